import ArgumentParser
import ChunkFormat
import ChunkStore
import Workers

struct Distrust: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Declare revisions doubtful, so that the next backup proves all it relies on.",
    usage: "varve distrust (<revision> ... | --from <time> --until <time>) [<options>]",
    discussion: """
      For when memory, a disk or a controller turned out to be bad. The next backup of the job reads \
      its sources and also reads back everything that the repository is said to have already, computes \
      its id again, and stores anew what is damaged. Nothing is deleted.

      There is no command to take it back: 'varve verify' reads a revision back, and makes it \
      'verified' where all of it is right.

        varve distrust web01@latest
        varve distrust web01@latest db01@3
        varve distrust --job web01 --from 2026-11-03 --until 2026-11-07T06:00
        varve distrust --from 2026-11-03      all jobs, everything since
      """)

  @Argument(
    help: "Revisions such as web01@latest; needed unless times are given.",
    transform: NameArgument.revision)
  var revisions: [RevisionReference] = []

  @Option(help: "Only this job's revisions, with --from or --until.", transform: NameArgument.job)
  var job: String?

  @Option(
    help: ArgumentHelp("Revisions of this day or time and later ones.", valueName: "time"),
    transform: NameArgument.time)
  var from: TimeExpression?

  @Option(
    help: ArgumentHelp("Revisions not after this day or time.", valueName: "time"),
    transform: NameArgument.time)
  var until: TimeExpression?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    let hasTimes = from != nil || until != nil
    if !revisions.isEmpty, hasTimes || job != nil {
      throw ValidationError("Revisions, and --job, --from and --until exclude each other.")
    }
    if revisions.isEmpty, !hasTimes {
      throw ValidationError(
        "What is to be distrusted? Give revisions, or --from and --until, perhaps with --job.")
    }
    try NameArgument.checkWhole(revisions)
  }

  mutating func run() throws {
    let repository = try repository.open()
    let all = try repository.readableRevisions()
    let now = RepositoryEnvironment.systemClock()
    var changed: [RevisionEntry] = []
    for entry in try chosen(among: all) {
      try Interruption.shared.flag.check()
      let since = all.distrustTime(of: entry.revision.job, now: now)
      try repository.updateMarks(of: entry.id) { $0.distrust(at: since) }
      changed.append(try repository.revision(entry.id))
    }
    if json.isWanted { try StandardOutput().document(.array(changed.map(\.json))) }
    let jobs = Set(changed.map(\.revision.job)).sorted().joined(separator: ", ")
    Console.shared.message(
      changed.isEmpty
        ? "no revision is of that time; nothing was changed"
        : "\(Quantities.count(changed.count, "revision")) distrusted; the next backup of \(jobs) "
          + "proves all it relies on")
  }

  /// Oldest first.
  private func chosen(among entries: [RevisionEntry]) throws -> [RevisionEntry] {
    guard revisions.isEmpty else {
      let ids = try Set(revisions.map { try $0.revision(in: entries).id })
      return entries.filter { ids.contains($0.id) }
    }
    if let job, !entries.contains(where: { $0.revision.job == job }) {
      throw ReferenceError.unknown(job: job, in: entries)
    }
    let first = try from.map { try moment($0.firstMoment(in: .system)) } ?? .min
    let last = try until.map { try moment($0.lastMoment(in: .system)) } ?? .max
    guard first <= last else { throw UsageFailure("--from is after --until: no time is between") }
    return entries.filter {
      (job == nil || $0.revision.job == job) && (first...last).contains($0.revision.created)
    }
  }

  private func moment(_ moment: Nanoseconds?) throws -> Nanoseconds {
    guard let moment else { throw Failure("the system cannot place this time on the calendar") }
    return moment
  }
}
