package import CalendarTime
package import ChunkFormat
package import ChunkStore
package import Retention

/// What becomes of every revision of the jobs that are looked at.
package struct PruneSurvey: Sendable {
  package struct Job: Sendable {
    package let plan: RetentionPlan
    /// Nil for a job that is forgotten since its machine no longer exists.
    package let policy: AppliedPolicy?
  }

  /// In the order of their names, as are the others.
  package private(set) var jobs: [Job] = []
  package private(set) var orphans: [OrphanedJob] = []
  /// Jobs that nobody said how long to keep; nothing becomes of them.
  package private(set) var withoutPolicy: [String] = []
  package let unreadable: [(id: RevisionID, error: StoreError)]
  package let now: Timestamp

  /// - Parameter users: who reads a revision now, in words.
  /// - Throws: `ReferenceError` for a job that does not exist; ``Refusal/OfPolicy/noRules``,
  ///   ``Refusal/OfPolicy/nothingToApply(job:)`` where nobody said how long to keep what is to be pruned;
  ///   ``Refusal/unknownTimeZone(_:)``, ``Refusal/systemTimeZone(fault:)``.
  init(
    _ listing: RevisionListing, _ request: PruneRequest, policies: RetentionPolicies,
    users: [RevisionID: [String]], now: Timestamp
  ) throws {
    self.now = now
    unreadable = listing.unreadable
    let histories = try Self.histories(listing, of: request.jobs)
    if let age = request.orphanedAfter {
      orphans = OrphanedJob.among(
        histories, after: age, in: try AppliedPolicy.zone(named: request.timeZone), now: now
      )
    }
    let forgotten = request.forgetsOrphaned ? Set(orphans.map(\.job)) : []
    for (job, history) in histories.sorted(by: { $0.key < $1.key }) {
      if forgotten.contains(job) {
        let plan = RetentionPlan(forgetting: job, history: history, users: users)
        jobs.append(Job(plan: plan, policy: nil))
      } else if let policy = try AppliedPolicy(
        for: job, request: request.policy, timeZone: request.timeZone, stored: policies)
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
    guard request.orphanedAfter == nil, request.policy == nil else { return }
    if policies == RetentionPolicies() { throw Refusal.policy(.noRules) }
    if let job = withoutPolicy.first, !request.jobs.isEmpty || jobs.isEmpty {
      throw Refusal.policy(.nothingToApply(job: job))
    }
  }

  // MARK: - Outcome

  package var going: [RevisionEntry] { jobs.flatMap(\.plan.going) }
  package var count: Int { jobs.reduce(0) { $0 + $1.plan.verdicts.count } }

  /// Why nothing may be forgotten without a word from whoever is responsible.
  package var doubts: [String] {
    jobs.filter { $0.policy == nil && !$0.plan.going.isEmpty }.map {
      "\(share($0.plan)) would be deleted, because the job is orphaned"
    }
      + jobs.filter { $0.policy != nil && $0.plan.isUnusual }.map {
        "\(share($0.plan)) would be deleted, which is more than half"
      }
      + (going.isEmpty
        ? []
        : unknownTags.sorted().map { "a rule names the tag '\($0)', but no revision has it" })
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
  package var oddities: [Oddity] {
    var oddities = jobs.compactMap { job -> Oddity? in
      let future = job.plan.verdicts.filter { $0.reasons.contains(.future) }
      guard let first = future.first else { return nil }
      return .future(job, count: future.count, first: first.entry)
    }
    if going.isEmpty { oddities += unknownTags.sorted().map { .unknownTag($0) } }
    if orphans.count > 1, orphans.count == jobs.count + withoutPolicy.count {
      oddities.append(.allOrphaned)
    }
    return oddities
  }

  package enum Oddity: Sendable {
    /// Revisions of a job have a time in the future: a clock is or was wrong.
    case future(Job, count: Int, first: RevisionEntry)
    /// No revision has a tag that a rule names.
    case unknownTag(String)
    /// Every job is orphaned: the clock may be wrong.
    case allOrphaned
  }
}
