import CalendarTime
package import ChunkFormat
package import ChunkStore
import Retention
package import Workers

/// Deletes the revisions that no rule keeps.
package struct PruneRequest: Sendable {
  /// Empty for all jobs.
  package var jobs: [String] = []
  /// In place of the stored policies; nil for these.
  package var policy: RetentionPolicy?
  /// In place of the policy's; nil for that.
  package var timeZone: String?
  /// Jobs whose newest revision is older are orphaned; nil for none.
  package var orphanedAfter: CalendarSpan?
  /// Whether orphaned jobs lose all their revisions.
  package var forgetsOrphaned = false
  package var isDryRun = false
  /// Whether the plan is carried out although there are doubts about it.
  package var isConfirmed = false

  package init() {}

  /// Judges every revision of the jobs, and deletes those that no rule keeps.
  ///
  /// - Parameter report: called with the outcome before anything is deleted. If the report fails, nothing is
  ///   deleted.
  /// - Throws: ``Refusal``: a job that does not exist or has no policy, a time zone that is not known,
  ///   or revisions that were changed meanwhile; `ReferenceError`, `StoreError`, and what `report`
  ///   throws.
  package func run(
    on repository: Repository, context: WorkContext,
    reporting report: (PruneOutcome) throws -> Void = { _ in }
  ) throws -> PruneOutcome {
    let now = context.now()
    let outcome = PruneOutcome(
      survey: try survey(of: repository.revisions(), in: repository, now: now), request: self)
    let isChange = outcome.isCarriedOut && !outcome.survey.going.isEmpty
    if isChange { try repository.prepareForgetting() }
    try report(outcome)
    if isChange {
      try forget(outcome.survey.going, in: repository, now: now)
    }
    return outcome
  }

  private func survey(
    of listing: RevisionListing, in repository: Repository, now: Timestamp
  ) throws -> PruneSurvey {
    try PruneSurvey(
      listing, self,
      // Not read where they say nothing: they may be damaged.
      policies: policy == nil ? try repository.retentionPolicies() : RetentionPolicies(),
      users: try repository.revisionUsers(), now: now)
  }

  /// Deletes what was reported, unless that is no longer what would go: nobody protects or distrusts
  /// anything while it is looked at once more.
  private func forget(
    _ going: [RevisionEntry], in repository: Repository, now: Timestamp
  ) throws {
    try repository.forget { listing in
      let present = Set(listing.entries.map(\.id))
      let agreed = Set(try survey(of: listing, in: repository, now: now).going.map(\.id))
      let left = going.filter { present.contains($0.id) }
      if let kept = left.first(where: { !agreed.contains($0.id) }) {
        throw Refusal.forgetting(.changedMeanwhile(kept))
      }
      return left.map(\.id)
    }
  }
}
