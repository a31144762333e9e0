package import ChunkStore
import FileIO
package import Inspection
package import JSONText
package import Remedies
import SystemPackage
package import Workers

/// Restores damaged and missing content from another repository.
package struct RepairRequest: Sendable {
  /// The directory of the repository that content is read from; nothing is changed there.
  package let source: String
  /// Whether nothing is stored.
  package var isDryRun: Bool

  package init(from source: String, isDryRun: Bool = false) {
    (self.source, self.isDryRun) = (source, isDryRun)
  }

  /// The other repository is opened with the keys of the first.
  ///
  /// - Throws: ``Refusal/sameRepository(_:)``, `StoreError`, and what ends the repair.
  package func run(
    on repository: Repository, environment: RepositoryEnvironment, context: WorkContext
  ) throws -> RepairOutcome {
    let other = try Repository.open(
      at: FilePath(escaped: source), environment: environment, sharing: repository.keys)
    if try other.isSamePlace(as: repository) { throw Refusal.sameRepository(source) }
    let repair = Repair(
      repository: repository, from: other, isDryRun: isDryRun, context: context)
    return RepairOutcome(report: try repair.run())
  }
}

package struct RepairOutcome: Sendable {
  package let report: RepairReport

  /// The document `repair`.
  package func json(_ wording: RemedyWording) -> JSON { report.json(wording) }
}

extension RepairReport {
  fileprivate func json(_ wording: RemedyWording) -> JSON {
    .object([
      "isComplete": .bool(isComplete),
      "isDryRun": .bool(isDryRun),
      "healedRecords": .integer(Int64(healedRecords)),
      "healedBytes": .unsigned(healedBytes),
      "healedElsewhere": .integer(Int64(healedElsewhere)),
      "releasedFromQuarantine": .integer(Int64(released)),
      "revisions": .strings(revisions),
      "unreadableRevisions": .strings(unreadableRevisions),
      "losses": .array(losses.losses.map(\.json)),
      "furtherLosses": .integer(Int64(losses.further)),
      "verification": verification?.json ?? .null,
      "inspection": inspection?.json(wording) ?? .null,
    ])
  }
}
