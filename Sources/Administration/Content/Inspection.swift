import ChunkFormat
package import ChunkStore
package import Inspection
package import JSONText
package import Remedies
package import Workers

/// Checks all files of a repository, and repairs what can be repaired safely.
package struct InspectionRequest: Sendable {
  package let depth: RepositoryInspection.PackDepth
  /// Whether what can be repaired safely is repaired.
  package let mends: Bool

  package init(depth: RepositoryInspection.PackDepth, mends: Bool) {
    (self.depth, self.mends) = (depth, mends)
  }

  /// - Throws: `StoreError`, and what ends the inspection.
  package func run(
    on repository: Repository, context: WorkContext
  ) throws -> InspectionOutcome {
    let inspection = RepositoryInspection(
      repository: repository, depth: depth, mends: mends, context: context)
    return InspectionOutcome(report: try inspection.run())
  }
}

package struct InspectionOutcome: Sendable {
  package let report: InspectionReport

  /// The document `inspection`.
  package func json(_ wording: RemedyWording) -> JSON { report.json(wording) }
}

extension InspectionReport {
  /// Also as a part of the document `repair`.
  func json(_ wording: RemedyWording) -> JSON {
    .object([
      "isClean": .bool(isClean),
      "packs": .integer(Int64(packs)),
      "hashedBytes": .unsigned(hashedBytes),
      "revisions": .integer(Int64(revisions)),
      "nodes": .unsigned(nodes),
      "chunks": .unsigned(chunks),
      "quarantined": .integer(Int64(quarantined)),
      "findings": .array(findings.map { $0.json(wording) }),
      "furtherFindings": .integer(Int64(furtherFindings)),
      "losses": .array(losses.losses.map(\.json)),
      "furtherLosses": .integer(Int64(losses.further)),
    ])
  }
}

extension Loss {
  /// Also an element of the document `repair`.
  var json: JSON {
    .object([
      "job": .string(job), "revision": .string(revision.description), "volume": .string(name),
      "offsetBytes": .unsigned(offsetBytes), "lengthBytes": .unsigned(lengthBytes),
      "message": .string(message),
    ])
  }
}

extension Finding {
  fileprivate func json(_ wording: RemedyWording) -> JSON {
    .object([
      "subject": .string(subject.rawValue), "severity": .string(severity.rawValue),
      "path": .string(path), "message": .string(message), "isFixed": .bool(outcome.isFixed),
      "remark": .optional(outcome.remark(wording)),
    ])
  }
}
