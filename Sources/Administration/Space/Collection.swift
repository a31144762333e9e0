import ChunkFormat
package import ChunkStore
package import GarbageCollection
package import JSONText
package import Remedies
package import Workers

/// Frees the space that no revision needs.
package struct CollectionRequest: Sendable {
  package let settings: CollectionSettings

  package init(_ settings: CollectionSettings) { self.settings = settings }

  /// - Throws: `CollectionError` where something must not be deleted, `StoreError`, and what ends
  ///   the collection.
  package func run(
    on repository: Repository, context: WorkContext
  ) throws -> CollectionOutcome {
    let collection = GarbageCollection(
      repository: repository, settings: settings, context: context)
    return CollectionOutcome(report: try collection.run())
  }
}

package struct CollectionOutcome: Sendable {
  package let report: CollectionReport

  /// Whether no pack had to be left alone because it is damaged.
  package var isClean: Bool { report.damaged.isEmpty }

  /// The document `collection`.
  package func json(_ wording: RemedyWording) -> JSON { report.json(wording) }
}

extension CollectionReport {
  fileprivate func json(_ wording: RemedyWording) -> JSON {
    .object([
      "isDryRun": .bool(isDryRun),
      "revisions": .integer(Int64(revisions)),
      "records": .integer(Int64(records)),
      "liveRecords": .integer(Int64(liveRecords)),
      "lostRecords": .integer(Int64(lostRecords)),
      "refusal": .optional(refusal.map { wording.text($0) }),
      "damagedCondemnations": .integer(Int64(damagedCondemnations)),
      "markSeconds": .seconds(markSeconds),
      "surveySeconds": .seconds(surveySeconds),
      "storeBytes": .unsigned(storeBytes),
      "deadPacks": .integer(Int64(deadPacks)),
      "deadBytes": .unsigned(deadBytes),
      "rewrittenPacks": .integer(Int64(rewrittenPacks)),
      "rewrittenDeadBytes": .unsigned(rewrittenDeadBytes),
      "mergedPacks": .integer(Int64(mergedPacks)),
      "postponedPacks": .integer(Int64(postponedPacks)),
      "deletedPacks": .integer(Int64(deletedPacks)),
      "deletedBytes": .unsigned(deletedBytes),
      "newBytes": .unsigned(newBytes),
      "freedBytes": .integer(freedBytes),
      "copiedRecords": .integer(Int64(copiedRecords)),
      "replacedBases": .integer(Int64(replacedBases)),
      "pardonedPacks": .integer(Int64(pardonedPacks)),
      "waitingPacks": .integer(Int64(waitingPacks)),
      "waitingFor": .array(
        awaited.map {
          .object([
            "purpose": .string($0.purpose), "host": .string($0.host),
            "process": .integer(Int64($0.process)),
          ])
        }),
      "removedRevisions": .integer(Int64(removedRevisions)),
      "unfinishedFiles": .integer(Int64(unfinishedFiles)),
      "unfinishedBytes": .unsigned(unfinishedBytes),
      "endedEarly": .optional(endedEarly?.text(wording)),
      "damagedPacks": .array(
        damaged.map {
          .object(["pack": .string($0.pack.description), "message": .string($0.message)])
        }),
    ])
  }
}
