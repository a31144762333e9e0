import ArgumentParser
import BackupEngine
import ChunkStore
import GarbageCollection

struct Collect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Free the space of what no revision needs.",
    discussion: """
      Backups, restores and servers go on meanwhile. Packs that nothing is needed of are deleted; \
      packs that are mostly garbage are rewritten without it, and small ones are merged. What a \
      running backup may rely on waits for it to end: the next collection deletes it then. \
      Interrupting a collection loses nothing, and the next one takes up where it was.

      Nothing is deleted where a revision, its map or a pin cannot be read, or where what a revision needs is \
      in no pack, since it is not known then what is needed. Deleting more than half of the store takes \
      --yes.

        varve gc --dry-run
        varve gc
        varve gc --max-copy 20GiB --max-minutes 30
      """)

  @Flag(name: [.long, .short], help: "Only say what would be freed.")
  var dryRun = false

  @Flag(help: "Delete even where that is more than half of the store.")
  var yes = false

  @Flag(
    help: ArgumentHelp(
      "Go on although revisions, or content that they need, are lost.",
      discussion: "What comes back later may lean on what is deleted now."))
  var acceptLosses = false

  @Option(
    help: ArgumentHelp(
      "Copy at most so much out of packs that are to be rewritten.",
      discussion: "The packs with the most garbage come first. 0 rewrites nothing.",
      valueName: "size"),
    transform: ByteSize.reading)
  var maxCopy: ByteSize?

  @Option(
    help: ArgumentHelp(
      "Rewrite no further pack after so many minutes.",
      discussion: "What is begun is brought to its end, which takes a little longer.",
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
    let progress = WorkProgress()
    let collection = GarbageCollection(
      repository: repository, settings: settings, environment: RepositoryEnvironment(),
      progress: progress, cancellation: Interruption.shared.flag)
    let report = try ProgressDisplay.showing({ progress.reading(of: "packs") }) {
      try collection.run()
    }
    for (pack, message) in report.damaged {
      Console.shared.warning("pack \(pack) is left alone: \(message)")
    }
    if json.isWanted { try StandardOutput().document(report.json) }
    for line in report.lines { Console.shared.message(line) }
    if !report.damaged.isEmpty { throw ReportedFailure() }
  }
}
