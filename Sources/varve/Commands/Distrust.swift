import Administration
import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
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
    help: "Revisions such as web01@latest; required unless --from or --until is given.",
    transform: NameArgument.revision)
  var revisions: [RevisionReference] = []

  @Option(help: "With --from or --until: only revisions of this job.", transform: NameArgument.job)
  var job: String?

  @Option(
    help: ArgumentHelp("Revisions from this day or time on.", valueName: "time"),
    transform: NameArgument.time)
  var from: TimeExpression?

  @Option(
    help: ArgumentHelp("Revisions up to this day or time.", valueName: "time"),
    transform: NameArgument.time)
  var until: TimeExpression?

  @Flag(help: "Restore the trust that the revisions had before.")
  var undo = false

  @Flag(help: "Show which revisions would be changed, but change nothing.")
  var dryRun = false

  @Flag(help: "Change the revisions that --from and --until select.")
  var yes = false

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    let hasTimes = from != nil || until != nil
    if !revisions.isEmpty, hasTimes || job != nil {
      throw ValidationError("--job, --from and --until cannot be combined with revisions.")
    }
    if revisions.isEmpty, !hasTimes {
      throw ValidationError(
        "Name the revisions to distrust, or use --from and --until, with or without --job.")
    }
    try NameArgument.checkWhole(revisions)
  }

  mutating func run() throws {
    var request = DistrustRequest(
      revisions.isEmpty ? .times(job: job, from: from, until: until) : .revisions(revisions))
    request.undoes = undo
    request.isDryRun = dryRun
    request.isConfirmed = yes
    let outcome = try request.run(
      on: repository.open(), context: .ofProgram()
    ) { try report($0) }
    for entry in outcome.stillDistrusted {
      Console.shared.message(
        "still distrusted: \(entry.oneLine): a verification may have found damage in it; run "
          + "'varve verify \(entry.shortID)' to check it")
    }
    if let failure = outcome.failure { throw failure }
    Console.shared.message(summary(of: outcome))
    let isRefused = !outcome.isAllowed && !dryRun
    if isRefused || !outcome.stillDistrusted.isEmpty { throw ReportedFailure() }
  }

  /// Before anything is changed.
  private func report(_ outcome: DistrustOutcome) throws {
    try StandardOutput.checkThatItIsOpen()
    outcome.notices.warn()
    let output = StandardOutput()
    if json.isWanted {
      try output.document(outcome.json)
    } else if !outcome.entries.isEmpty {
      try output.table(RevisionEntry.table(of: outcome.entries))
    }
  }

  private func summary(of outcome: DistrustOutcome) -> String {
    let count = Quantities.count(outcome.entries.count, "revision")
    guard outcome.isAllowed else {
      let change = undo ? "undo the distrust of \(count)" : "distrust \(count)"
      return dryRun ? "would \(change)" : "nothing was changed: add --yes to \(change)"
    }
    if undo {
      return "undid the distrust of \(Quantities.count(outcome.undoneCount, "revision"))"
    }
    if outcome.entries.isEmpty { return "no revisions in that time range; nothing was changed" }
    let jobs = Set(outcome.entries.map(\.revision.job)).sorted().joined(separator: ", ")
    return "\(count) distrusted; the next backup of \(jobs) rechecks reused data"
  }
}
