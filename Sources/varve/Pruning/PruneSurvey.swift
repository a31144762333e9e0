import CalendarTime
import ChunkFormat
import ChunkStore
import Retention

/// What is asked of 'varve prune'.
struct PruneRequest {
  /// All where none is named.
  let jobs: [String]
  let options: RetentionOptions
  let orphanedAfter: CalendarSpan?
  let forgetsOrphaned: Bool
}

/// What becomes of every revision of the jobs that are looked at.
struct PruneSurvey {
  struct Job {
    let plan: RetentionPlan
    /// Nil for a job that is forgotten since its machine no longer exists.
    let policy: AppliedPolicy?
  }

  /// In the order of their names, as are the others.
  private(set) var jobs: [Job] = []
  private(set) var orphans: [OrphanedJob] = []
  /// Jobs that nobody said how long to keep; nothing becomes of them.
  private(set) var withoutPolicy: [String] = []
  let unreadable: [(id: RevisionID, error: StoreError)]
  let now: Timestamp

  /// - Parameter users: who reads a revision now, in words.
  /// - Throws: ``ReferenceError`` for a job that does not exist, ``UsageFailure`` where nobody said how
  ///   long to keep what is to be pruned, ``Failure`` for a time zone that is not known here.
  init(
    _ listing: RevisionListing, _ request: PruneRequest, policies: RetentionPolicies,
    users: [RevisionID: [String]], now: Timestamp
  ) throws {
    self.now = now
    unreadable = listing.unreadable
    let histories = try Self.histories(listing, of: request.jobs)
    if let age = request.orphanedAfter {
      orphans = OrphanedJob.among(
        histories, after: age, in: try AppliedPolicy.zone(named: request.options.timeZone), now: now
      )
    }
    let forgotten = request.forgetsOrphaned ? Set(orphans.map(\.job)) : []
    for (job, history) in histories.sorted(by: { $0.key < $1.key }) {
      if forgotten.contains(job) {
        let plan = RetentionPlan(forgetting: job, history: history, users: users)
        jobs.append(Job(plan: plan, policy: nil))
      } else if let policy = try AppliedPolicy(
        for: job, options: request.options, stored: policies)
      {
        let plan = RetentionPlan(
          of: job, history: history, policy: policy.policy, in: policy.zone, now: now, users: users)
        jobs.append(Job(plan: plan, policy: policy))
      } else {
        withoutPolicy.append(job)
      }
    }
    try checkForPolicies(request, policies)
  }

  private static func histories(
    _ listing: RevisionListing, of jobs: [String]
  ) throws -> [String: [RevisionEntry]] {
    let histories = Dictionary(grouping: listing.entries, by: \.revision.job)
    for job in jobs { _ = try listing.history(of: job) }
    return jobs.isEmpty ? histories : histories.filter { jobs.contains($0.key) }
  }

  /// A policy without rules counts as none. Without this error it would seem to work, and delete nothing.
  private func checkForPolicies(_ request: PruneRequest, _ policies: RetentionPolicies) throws {
    guard request.orphanedAfter == nil, request.options.policy == nil else { return }
    if policies == RetentionPolicies() {
      throw UsageFailure(
        "there are no retention rules: give --keep-daily 7 or another rule, or store a policy with "
          + "'varve policy set'")
    }
    if let job = withoutPolicy.first, !request.jobs.isEmpty || jobs.isEmpty {
      throw UsageFailure(
        "there is no policy for '\(job)', and no default: give --keep-daily 7 or another rule, or "
          + "store a policy with 'varve policy set'")
    }
  }

  // MARK: - Outcome

  var going: [RevisionEntry] { jobs.flatMap(\.plan.going) }
  var count: Int { jobs.reduce(0) { $0 + $1.plan.verdicts.count } }

  /// Why nothing may be forgotten without a word from whoever is responsible.
  var doubts: [String] {
    jobs.filter { $0.policy == nil && !$0.plan.going.isEmpty }.map {
      "\(share($0.plan)) would go, since its machine is taken to be gone"
    }
      + jobs.filter { $0.policy != nil && $0.plan.isUnusual }.map {
        "\(share($0.plan)) would go, which is more than half"
      }
      + (going.isEmpty
        ? []
        : unknownTags.sorted().map { "no revision has the tag '\($0)', which a rule names" })
  }

  private func share(_ plan: RetentionPlan) -> String {
    "\(plan.going.count) of \(Quantities.count(plan.verdicts.count, "revision")) of \(plan.job)"
  }

  /// Tags of rules that no revision of any of their jobs has.
  private var unknownTags: Set<String> {
    let (named, given) = jobs.reduce(into: (Set<String>(), Set<String>())) { tags, job in
      tags.0.formUnion(job.policy?.policy.rules.compactMap(\.tag) ?? [])
      for verdict in job.plan.verdicts { tags.1.formUnion(verdict.entry.marks.tags) }
    }
    return named.subtracting(given)
  }

  /// What is odd about the times, and about the rules.
  var warnings: [String] {
    var warnings = jobs.compactMap { job -> String? in
      let future = job.plan.verdicts.filter { $0.reasons.contains(.future) }
      guard let first = future.first else { return nil }
      return "\(Quantities.count(future.count, "revision")) of \(job.plan.job), the first of "
        + "\((job.policy?.zone ?? .shown).text(of: first.entry.revision.created)), "
        + "\(future.count == 1 ? "has a time" : "have times") in the future: a clock is or was wrong"
    }
    if going.isEmpty {
      warnings += unknownTags.sorted().map { "no revision has the tag '\($0)', which a rule names" }
    }
    if orphans.count > 1, orphans.count == jobs.count + withoutPolicy.count {
      warnings.append("every job is orphaned: is the clock right?")
    }
    return warnings
  }
}

extension RetentionRule {
  /// The tag of those that the rule is about; nil where it is about all.
  var tag: String? {
    switch self {
    case .tagged(let tag), .schedule(let tag, _, _): tag
    case .newest, .calendar, .within: nil
    }
  }
}
