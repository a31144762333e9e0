import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText
import Workers

struct Distrust: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Mark revisions as distrusted; the next backup rechecks reused data.",
    usage: "varve distrust (<revision> ... | --from <time> --until <time>) [--undo] [<options>]",
    discussion: """
      Use this if memory, a disk or a controller turned out to be bad. The next backup of the job \
      reads its sources, reads back everything that it would reuse from the repository, computes the \
      ids again, and stores damaged content again. Nothing is deleted.

      The revisions are listed first. A time range can cover more revisions than intended, so \
      --from and --until change nothing without --yes.

      --undo restores the previous state, 'trusted' or 'verified'. If a verification found \
      damage, use 'varve verify' instead: it reads the revision back, and marks it 'verified' if \
      all of it is intact.

        varve distrust web01@latest
        varve distrust web01@latest db01@3
        varve distrust --job web01 --from 2026-11-03 --until 2026-11-07T06:00
        varve distrust --from 2026-11-03 --yes      all jobs, everything since
        varve distrust --from 2026-11-03 --undo --yes
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

  @Flag(help: "Restore the trust that the revisions had before.")
  var undo = false

  @Flag(help: "Show which revisions would be changed, and change nothing.")
  var dryRun = false

  @Flag(help: "Change the revisions that --from and --until select.")
  var yes = false

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
    let listing = try repository.revisionsWithWarnings()
    let chosen = try chosen(among: listing)
    let isAllowed = !dryRun && (yes || !revisions.isEmpty || chosen.isEmpty)
    try report(chosen, isAllowed: isAllowed)
    if isAllowed {
      try undo
        ? takeBack(chosen, in: repository) : distrust(chosen, of: listing.entries, in: repository)
    } else {
      let count = Quantities.count(chosen.count, "revision")
      let change = undo ? "take back the distrust of \(count)" : "distrust \(count)"
      Console.shared.message(
        dryRun ? "would \(change)" : "nothing was changed: add --yes to \(change)")
      if !dryRun { throw ReportedFailure() }
    }
  }

  /// Before anything is changed.
  private func report(_ chosen: [RevisionEntry], isAllowed: Bool) throws {
    let output = StandardOutput()
    if json.isWanted {
      try output.document(
        .object(["isChange": .bool(isAllowed), "revisions": .array(chosen.map(\.json))]))
    } else if !chosen.isEmpty {
      try output.table(RevisionEntry.table(of: chosen))
    }
  }

  private func distrust(
    _ chosen: [RevisionEntry], of all: [RevisionEntry], in repository: Repository
  ) throws {
    let now = Timestamp.now()
    for entry in chosen {
      try Interruption.shared.flag.check()
      let since = all.distrustTime(of: entry.revision.job, now: now)
      try repository.updateMarks(of: entry.id) { $0.distrust(at: since, canBeUndone: true) }
    }
    let jobs = Set(chosen.map(\.revision.job)).sorted().joined(separator: ", ")
    Console.shared.message(
      chosen.isEmpty
        ? "no revision is of that time; nothing was changed"
        : "\(Quantities.count(chosen.count, "revision")) distrusted; the next backup of \(jobs) "
          + "proves all it relies on")
  }

  private func takeBack(_ chosen: [RevisionEntry], in repository: Repository) throws {
    var (count, isComplete) = (0, true)
    for entry in chosen {
      try Interruption.shared.flag.check()
      var isUndone = false
      var isDistrusted = false
      try repository.updateMarks(of: entry.id) { marks in
        isDistrusted = marks.trust == .distrusted
        isUndone = marks.undoDistrust()
      }
      count += isUndone ? 1 : 0
      guard isDistrusted, !isUndone else { continue }
      isComplete = false
      Console.shared.message(
        "still distrusted: \(entry.oneLine): it is not known that only 'varve distrust' said so; "
          + "'varve verify \(entry.shortID)' makes it verified where all of it is right")
    }
    Console.shared.message("took back the distrust of \(Quantities.count(count, "revision"))")
    if !isComplete { throw ReportedFailure() }
  }

  /// Oldest first.
  private func chosen(among listing: RevisionListing) throws -> [RevisionEntry] {
    guard revisions.isEmpty else {
      let ids = try Set(revisions.map { try listing.revision($0).id })
      return listing.entries.filter { ids.contains($0.id) }
    }
    let entries = try job.map { try listing.history(of: $0) } ?? listing.entries
    let zone = TimeZone.system
    if [from, until].contains(where: { $0?.isLocal ?? false }), let fault = zone.fault {
      throw Failure(fault)
    }
    let first = try from.map { try moment($0.firstMoment(in: zone)) } ?? .earliest
    let last = try until.map { try moment($0.lastMoment(in: zone)) } ?? .latest
    guard first <= last else { throw UsageFailure("--from is after --until: no time is between") }
    return entries.filter { (first...last).contains($0.revision.created) }
  }

  private func moment(_ moment: Timestamp?) throws -> Timestamp {
    guard let moment else { throw Failure("the system cannot place this time on the calendar") }
    return moment
  }
}
