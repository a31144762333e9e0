import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore
import GarbageCollection
import Retention

struct Usage: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what uses the space of the repository.",
    discussion: """
      Without a job, prints a line for each job: the space that only its revisions need \
      ('UNIQUE'), and the size and data of its newest revision. Then lists the space used by \
      content shared between jobs, by forgotten revisions that are still being read, and by \
      chunks needed only as the base of deltas; the space saved by compression and deltas; the \
      garbage; and how much more garbage pruning by the stored policies would create. With a \
      job, prints a line for each of its revisions: the space that would become garbage if only \
      that revision were forgotten.

      'varve gc' frees garbage pack by pack, and leaves packs with less than 30 % garbage.

        varve usage
        varve usage web01
        varve usage --json
      """)

  @Argument(help: "A job. Default: all.", transform: NameArgument.job)
  var job: String?

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let progress = ProgressBoard()
    let survey = UsageSurvey(
      repository: repository, pruned: try prunable(in: repository),
      context: .ofProgram(showing: progress))
    let usage = try ProgressDisplay.showing({ progress.reading(of: "packs") }) {
      try survey.run()
    }
    try print(usage, of: try repository.revisions())
    for (id, message) in usage.unreadable {
      Console.shared.message("revision \(id) is left out: \(message)")
    }
    if !usage.unreadable.isEmpty { throw ReportedFailure() }
  }

  private func print(_ usage: StoreUsage, of revisions: RevisionListing) throws {
    let output = StandardOutput()
    guard let job else {
      return try json.isWanted ? output.document(usage.json) : print(usage, to: output)
    }
    guard let found = usage.jobs.first(where: { $0.job == job }) else {
      _ = try revisions.history(of: job)
      throw Failure(.notFound, "the repository has no revision of '\(job)' any more")
    }
    try json.isWanted ? output.document(found.json) : output.table(found.table)
    try output.flush()
  }

  /// What 'varve prune' would forget now.
  private func prunable(in repository: Repository) throws -> Set<RevisionID> {
    let policies: RetentionPolicies
    do throws(StoreError) {
      policies = try repository.retentionPolicies()
    } catch {
      Console.shared.warning("what pruning would free is not known: \(error)")
      return []
    }
    guard policies != RetentionPolicies() else { return [] }
    let users = try repository.revisionUsers()
    let histories = Dictionary(
      grouping: try repository.revisions().entries, by: \.revision.job)
    var pruned: Set<RevisionID> = []
    for (job, history) in histories {
      guard let policy = policies[job] ?? policies.standard else { continue }
      let plan = RetentionPlan(
        of: job, history: history, policy: policy,
        in: try AppliedPolicy.zone(named: policy.timeZone),
        now: Timestamp.now(), users: users)
      pruned.formUnion(plan.going.map(\.id))
    }
    return pruned
  }

  private func print(_ usage: StoreUsage, to output: StandardOutput) throws {
    if !usage.jobs.isEmpty { try output.table(usage.table) }
    if usage.jobs.isEmpty, usage.unreadable.isEmpty { Console.shared.message("no revisions") }
    for line in usage.lines { try output.line(line) }
    try output.flush()
  }
}
