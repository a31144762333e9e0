import Administration
import ArgumentParser
import BackupEngine
import CalendarTime
import ChunkFormat
import ChunkStore
import Overlays

struct OverlayCommit: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "commit",
    abstract: "Create a revision from an overlay's volumes as they are now.",
    usage: "varve overlay commit <name> [<options>]",
    discussion: """
      The new revision is complete in itself like any other; its parent is the overlay's revision, \
      which does not change. Only the written blocks are read and stored. The new revision gets the \
      attached documents of its parent, but not its tags. Afterwards the overlay is removed and its \
      pin released, unless --keep is given. No server may have the overlay open meanwhile.

        varve overlay commit repair --tag repaired
        varve overlay commit experiment --job web01-experiment --keep

      Prints the id of the revision.
      """)

  @Argument(help: "The overlay.", transform: NameArgument.overlay)
  var name: String

  @Option(
    help: "The job that gets the revision. Default: the job of the overlay's revision.",
    transform: NameArgument.job)
  var job: String?

  @Option(
    name: [.short, .long], parsing: .singleValue,
    help: ArgumentHelp("Put this tag on the revision; can be repeated.", valueName: "name"),
    transform: NameArgument.tag)
  var tag: [String] = []

  @Flag(help: "Keep the overlay, on the same revision as before.")
  var keep = false

  @Option(
    help: ArgumentHelp(
      "How much to read back afterwards: full, none, a percentage of the chunks such as 5%, or auto.",
      discussion: "As with 'varve backup'.", valueName: "share"))
  var verify = VerificationArgument.automatic

  @OptionGroup var unusual: UnusualOption
  @OptionGroup var json: JSONOption
  @OptionGroup var location: OverlayLocation
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    var request = OverlayCommitRequest(overlay: name, program: "varve \(Varve.version)")
    request.job = job
    request.tags = tag
    request.verification = verify.policy
    request.acceptsUnusual = unusual.isAccepted
    request.keepsOverlay = keep
    let commit = try request.prepare(on: repository, overlays: location.store(of: repository))
    commit.notices.warn()
    warnOfNewer(than: commit)
    let progress = ProgressBoard()
    let outcome = try ProgressDisplay.showing({ [name] in progress.reading(of: name) }) {
      try UnusualOption.explaining {
        try commit.run(context: .ofProgram(showing: progress))
      }
    }
    // Throws where what was stored is damaged: the overlay is still wanted then.
    try outcome.print(asJSON: json.isWanted, policy: verify.policy)
    try commit.end(after: outcome)?.warn()
  }

  /// What was backed up since the overlay was made is not in it.
  private func warnOfNewer(than commit: PreparedCommit) {
    guard let newest = commit.newer.last else { return }
    let count = Quantities.count(commit.newer.count, "revision")
    Console.shared.warning(
      "\(commit.job) has \(count) newer than the overlay's, the last of "
        + "\(TimeZone.shown.text(of: newest.revision.created)); the new revision does not contain "
        + "their changes")
  }
}
