import Administration
import ArgumentParser
import ChunkFormat
import ChunkStore
import SystemPackage
import Workers

struct Index: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Manage the index.",
    discussion: """
      The index says which pack holds which chunk. It is a cache: a missing entry costs time or \
      space, never data. If the index is missing, a new one is created.
      """,
    subcommands: [IndexShow.self, IndexRebuild.self])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}

struct IndexShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show where the index is and what it lists.",
    usage: "varve index show [<options>]",
    discussion: """
      The index is in the repository's directory 'index' if only you can write to that directory, \
      the repository is not encrypted, and its file system is local. Otherwise it is in \
      $XDG_CACHE_HOME/varve, ~/.cache/varve or, for root without either, /var/cache/varve.
      """)

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let outcome = try IndexRequest().run(on: repository.open())
    guard !json.isWanted else { return try StandardOutput().document(outcome.json) }
    let index = outcome.index
    let lines = Table.lines(ofNamed: [
      ("directory", index.directory.description), ("packs", "\(index.packs)"),
      ("records", "\(index.records)"),
    ])
    let output = StandardOutput()
    for line in lines { try output.line(line) }
    try output.flush()
  }
}

struct IndexRebuild: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild",
    abstract: "Create a new index from the packs.",
    usage: "varve index rebuild [<options>]",
    discussion: """
      The old index is not read; other commands use it until the new one replaces it. Reads the list \
      of records at the end of every pack, or the whole pack if that list is damaged. Damaged packs \
      are named; 'varve verify --all' shows whether any content is lost.
      """)

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let progress = CountedProgress()
    let outcome = try ProgressDisplay.showing({ progress.reading("reading packs") }) {
      try IndexRebuildRequest().run(on: repository) { step in
        try Interruption.shared.flag.check()
        progress.set(step.donePacks, of: step.totalPacks)
      }
    }
    for (pack, error) in outcome.damaged {
      Console.shared.warning("pack \(pack) is damaged: \(error.textWithRemedies)")
    }
    if json.isWanted {
      try StandardOutput().document(outcome.json)
    } else {
      Console.shared.message(
        "the index lists \(Quantities.count(outcome.records, "record")) in "
          + Quantities.count(outcome.packs, "pack"))
    }
  }
}
