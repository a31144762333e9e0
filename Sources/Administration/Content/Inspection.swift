import ChunkFormat
package import ChunkStore
package import Inspection
package import JSONText
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
  package var json: JSON { report.json }
}

extension InspectionReport {
  /// Also as a part of the document `repair`.
  var json: JSON {
    .object([
      "isClean": .bool(isClean),
      "packs": .integer(Int64(packs)),
      "hashedBytes": .unsigned(hashedBytes),
      "revisions": .integer(Int64(revisions)),
      "nodes": .unsigned(nodes),
      "chunks": .unsigned(chunks),
      "quarantined": .integer(Int64(quarantined)),
      "findings": .array(findings.map(\.json)),
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
  fileprivate var json: JSON {
    let (isFixed, remark): (Bool, String?) =
      switch outcome {
      case .reported: (false, nil)
      case .fixed(let done): (true, done)
      case .left(let advice): (false, advice)
      }
    return .object([
      "subject": .string(subject.rawValue), "severity": .string(severity.rawValue),
      "path": .string(path), "message": .string(message), "isFixed": .bool(isFixed),
      "remark": .optional(remark),
    ])
  }
}
