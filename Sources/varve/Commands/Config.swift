import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore

struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the repository's settings, or change them.",
    discussion: """
        varve config show
        varve config set --compression zstd:-3
      """,
    subcommands: [ConfigShow.self, ConfigSet.self])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}

struct ConfigShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show the repository's settings.",
    usage: "varve config show [<options>]",
    discussion: """
        varve config show
        varve config show --json
      """)

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let outcome = ConfigurationRequest().run(on: try repository.open())
    try json.print(outcome.json, orLines: outcome.configuration.lines)
  }
}

struct ConfigSet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Change the repository's settings.",
    usage: "varve config set --compression <method> [<options>]",
    discussion: """
      Chunks that are already in the repository are left as they are, and are not stored again. \
      Commands that are running keep the old setting until they end. Older versions of varve \
      cannot open a repository with a level below 1.

        varve config set --compression zstd:-3
        varve config set --compression none
      """)

  @Option(
    help: ArgumentHelp(
      "How new chunks are compressed: zstd:LEVEL with a level from -7 to 19, or none.",
      valueName: "method"),
    transform: CompressionMethod.reading)
  var compression: CompressionMethod

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let request = CompressionChangeRequest(compression: compression)
    let outcome = try request.run(on: repository.open())
    if json.isWanted { return try StandardOutput().document(outcome.json) }
    Console.shared.message(
      "new chunks are compressed with \(outcome.configuration.compression)")
  }
}

extension RepositoryConfiguration {
  fileprivate var lines: [String] {
    Table.lines(ofNamed: [
      ("repository", "\(id)"),
      ("created", TimeZone.shown.text(of: created)),
      ("chunk size", Quantities.bytes(UInt64(chunkSizeBytes))),
      ("encryption", isEncrypted ? "yes" : "no"),
      ("compression", "\(compression)"),
    ])
  }
}
