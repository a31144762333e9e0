import BackupEngine
import CalendarTime
import ChunkFormat
package import ChunkStore
package import GarbageCollection
package import JSONText
import Retention
package import Workers

/// Shows what uses the space of a repository.
package struct UsageRequest: Sendable {
  /// Nil for all jobs.
  package var job: String?

  package init(job: String? = nil) { self.job = job }

  /// - Throws: ``Refusal/noRevisionLeft(job:)``, ``Refusal/unknownTimeZone(_:)``,
  ///   ``Refusal/systemTimeZone(fault:)``, `ReferenceError`, `StoreError`, what ends the survey, or a
  ///   ``NoticedFailure`` with one of these.
  package func run(
    on repository: Repository, context: WorkContext
  ) throws -> UsageOutcome {
    try [Notice].collecting { notices in
      let survey = UsageSurvey(
        repository: repository, pruned: try prunable(in: repository, now: context.now(), &notices),
        context: context)
      let usage = try survey.run()
      return UsageOutcome(usage: usage, job: try job(of: usage, in: repository), notices: notices)
    }
  }

  private func job(
    of usage: StoreUsage, in repository: Repository
  ) throws -> StoreUsage.JobUsage? {
    guard let job else { return nil }
    if let found = usage.jobs.first(where: { $0.job == job }) { return found }
    _ = try repository.revisions().history(of: job)
    throw Refusal.noRevisionLeft(job: job)
  }

  /// What pruning by the stored policies would delete now.
  private func prunable(
    in repository: Repository, now: Timestamp, _ notices: inout [Notice]
  ) throws -> Set<RevisionID> {
    let policies: RetentionPolicies
    do throws(StoreError) {
      policies = try repository.retentionPolicies()
    } catch {
      notices.append(.unreadablePolicies(error))
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
        in: try AppliedPolicy.zone(named: policy.timeZone), now: now, users: users)
      pruned.formUnion(plan.going.map(\.id))
    }
    return pruned
  }
}

package struct UsageOutcome: Sendable {
  package let usage: StoreUsage
  /// Of the job that was asked for; nil where all were.
  package let job: StoreUsage.JobUsage?
  package let notices: [Notice]

  /// The document `usage`, or `job-usage` where a job was asked for.
  package var json: JSON { job?.json ?? usage.json }
}

extension StoreUsage {
  fileprivate var json: JSON {
    .object([
      "storeBytes": .unsigned(storeBytes),
      "packs": .integer(Int64(packs)),
      "jobs": .array(jobs.map(\.json)),
      "sharedBetweenJobsBytes": .unsigned(sharedBetweenJobs.storedBytes),
      "heldBytes": .unsigned(held.storedBytes),
      "basesBytes": .unsigned(bases.storedBytes),
      "mapsBytes": .unsigned(maps.storedBytes),
      "chunkPlainBytes": .unsigned(chunkPlainBytes),
      "chunkStoredBytes": .unsigned(chunkStoredBytes),
      "deltas": .integer(Int64(deltas)),
      "garbageBytes": unreadable.isEmpty ? .unsigned(garbageBytes) : .null,
      "unreadableRevisions": .strings(unreadable.map(\.id.description)),
      "prunableBytes": prunableBytes.map(JSON.unsigned) ?? .null,
    ])
  }
}

extension StoreUsage.JobUsage {
  fileprivate var json: JSON {
    .object([
      "job": .string(job),
      "revisions": .array(revisions.map(\.json)),
      "sharedBytes": .unsigned(shared.storedBytes),
      "exclusiveBytes": .unsigned(exclusiveBytes),
    ])
  }
}

extension StoreUsage.RevisionUsage {
  fileprivate var json: JSON {
    .object([
      "id": .string(entry.id.description),
      "sizeBytes": .unsigned(entry.sizeBytes),
      "dataBytes": .unsigned(entry.statistics.dataBytes),
      "exclusiveBytes": .unsigned(exclusive.storedBytes),
    ])
  }
}
