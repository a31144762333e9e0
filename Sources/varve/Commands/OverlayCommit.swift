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
    let store = try location.store(of: repository)
    let overlay = try store.open(name)
    try warnOfNewer(than: overlay, in: repository)
    var request = try overlay.commitRequest(job: job, program: "varve \(Varve.version)")
    request.tags = tag.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    request.verification = verify.policy
    request.acceptsUnusual = unusual.isAccepted
    let progress = ProgressBoard()
    let backup = BackupEngine.Backup(
      repository: repository, request: request, context: .ofProgram(showing: progress))
    let report = try ProgressDisplay.showing({ [name] in progress.reading(of: name) }) {
      try UnusualOption.explaining { try backup.run() }
    }
    // Throws where what was stored is damaged: the overlay is still wanted then.
    try BackupOutcome(report, in: repository).print(asJSON: json.isWanted, policy: verify.policy)
    if keep { try overlay.close() } else { try store.remove(overlay)?.warn() }
  }

  /// What was backed up since the overlay was made is not in it.
  private func warnOfNewer(than overlay: NamedOverlay, in repository: Repository) throws {
    let own = try overlay.revision()
    let job = job ?? own.revision.job
    let newer = try repository.readableRevisions().filter {
      $0.revision.job == job && $0.revision.created > own.revision.created
    }
    guard let newest = newer.last else { return }
    Console.shared.warning(
      "\(job) has \(Quantities.count(newer.count, "revision")) newer than the overlay's, the last of "
        + "\(TimeZone.shown.text(of: newest.revision.created)); what changed in them is not in the "
        + "revision that this makes")
  }
}
