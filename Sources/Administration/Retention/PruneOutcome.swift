import CalendarTime
import ChunkFormat
import ChunkStore
package import JSONText
import Retention

package struct PruneOutcome: Sendable {
  /// Why revisions were not deleted although no rule keeps them.
  package enum Obstacle: Sendable {
    /// Revisions cannot be read, so nobody knows whose they are.
    case unreadable
    /// There are doubts, and nobody has confirmed.
    case doubts
  }

  package let survey: PruneSurvey
  package let isDryRun: Bool
  /// What stands against the deletion, also where that is only asked about; nil where nothing does.
  package let obstacle: Obstacle?

  init(survey: PruneSurvey, request: PruneRequest) {
    self.survey = survey
    isDryRun = request.isDryRun
    obstacle =
      !survey.unreadable.isEmpty
      ? .unreadable : !request.isConfirmed && !survey.doubts.isEmpty ? .doubts : nil
  }

  /// Whether the revisions are deleted.
  package var isCarriedOut: Bool { !isDryRun && obstacle == nil }

  /// The document `prune`.
  package var json: JSON {
    .object([
      "time": .string(survey.now.rfc3339),
      "isDryRun": .bool(isDryRun),
      "forgottenRevisions": .integer(isCarriedOut ? Int64(survey.going.count) : 0),
      "orphanedJobs": .array(
        survey.orphans.map { orphan in
          .object([
            "job": .string(orphan.job),
            "newest": .optional(orphan.history.last?.revision.created.rfc3339),
            "revisions": .integer(Int64(orphan.history.count)),
          ])
        }),
      "jobsWithoutPolicy": .strings(survey.withoutPolicy),
      "unreadableRevisions": .strings(survey.unreadable.map(\.id.description)),
      "doubts": .strings(survey.doubts),
      "jobs": .array(survey.jobs.map(\.json)),
    ])
  }
}

extension PruneSurvey.Job {
  fileprivate var json: JSON {
    .object([
      "job": .string(plan.job),
      "policy": policy?.json ?? .null,
      "revisions": .array(
        plan.verdicts.map { verdict in
          .object([
            "id": .string(verdict.entry.id.description),
            "created": .string(verdict.entry.revision.created.rfc3339),
            "trust": .string(verdict.entry.marks.trust.description),
            "kept": .bool(verdict.stays),
            "reasons": .strings(verdict.reasons.map(\.description)),
          ])
        }),
    ])
  }
}
