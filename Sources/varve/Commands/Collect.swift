import Administration
import ArgumentParser
import ChunkStore
import GarbageCollection

struct Collect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Free the space that no revision needs.",
    discussion: """
      Backups, restores and servers can run meanwhile. Packs without any needed content are deleted; \
      packs with more than 30 % garbage are rewritten without it, and small ones are merged. Content \
      that a running backup may rely on is kept; the next collection deletes it. If a collection is \
      interrupted, nothing is lost, and the next one continues its work.

      Nothing is deleted if a revision, its map or a pin cannot be read, or if content that a \
      revision needs is in no pack, because varve then does not know what is needed. Deleting more \
      than half of the store requires --yes.

        varve gc --dry-run
        varve gc
        varve gc --max-copy 20GiB --max-minutes 30
      """)

  @Flag(name: [.long, .short], help: "Show what would be freed, but free nothing.")
  var dryRun = false

  @Flag(help: "Delete even if that is more than half of the store.")
  var yes = false

  @Flag(
    help: ArgumentHelp(
      "Continue even if revisions or their content are lost.",
      discussion: "If lost files come back later, they may need what is deleted now."))
  var acceptLosses = false

  @Option(
    help: ArgumentHelp(
      "Copy at most this much from packs that are rewritten.",
      discussion: "The packs with the most garbage come first. 0 rewrites nothing.",
      valueName: "size"),
    transform: ByteSize.reading)
  var maxCopy: ByteSize?

  @Option(
    help: ArgumentHelp(
      "Stop rewriting packs after this many minutes.",
      discussion: "The current pack is finished first, which takes a little longer.",
      valueName: "n"),
    transform: { text in
      guard let minutes = UInt32(text) else { throw ValidationError("expected whole minutes") }
      return minutes
    })
  var maxMinutes: UInt32?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    var settings = CollectionSettings()
    settings.isDryRun = dryRun
    settings.allowsLargeShare = yes
    settings.acceptsLosses = acceptLosses
    settings.copiedBytesLimit = maxCopy?.bytes
    settings.timeLimit = maxMinutes.map { .seconds(60 * Int64($0)) }
    let progress = ProgressBoard()
    let request = CollectionRequest(settings)
    let outcome = try ProgressDisplay.showing({ progress.reading(of: "packs") }) {
      try request.run(on: repository, context: .ofProgram(showing: progress))
    }
    for (pack, message) in outcome.report.damaged {
      Console.shared.warning("pack \(pack) was not changed: \(message)")
    }
    if json.isWanted { try StandardOutput().document(outcome.json(.commandLine)) }
    for line in outcome.report.lines { Console.shared.message(line) }
    if !outcome.isClean { throw ReportedFailure() }
  }
}
