package import BackupEngine
import ChunkFormat
package import ChunkStore
package import JSONText
package import Remedies
package import Workers

extension BackupRequest {
  /// Backs up the volumes as a new revision. A tag that is named twice is put on it once.
  ///
  /// - Throws: `EngineError`, also `.unusual`; `StoreError`; what reading the sources throws.
  package func run(
    on repository: Repository, context: WorkContext
  ) throws -> BackupOutcome {
    var request = self
    request.tags = tags.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    let report = try Backup(repository: repository, request: request, context: context).run()
    // Read again: the verification has marked it.
    return BackupOutcome(report: report, entry: try repository.revision(report.id))
  }
}

package struct BackupOutcome: Sendable {
  package let report: BackupReport
  /// The new revision.
  package let entry: RevisionEntry

  /// Whether what was read back is what was stored.
  package var isClean: Bool { report.verification.isClean }

  /// The document `backup`.
  package func json(_ wording: RemedyWording) -> JSON {
    .object([
      "id": .string(report.id.description),
      "storedBytes": .unsigned(entry.statistics.storedBytes),
      "packBytes": .unsigned(report.storedBytes),
      "revision": entry.json,
      "verification": report.verification.json,
      "unusual": .strings(report.unusual.map(\.text)),
      "resized": .array(report.resized.map(\.json)),
      "warnings": .strings(report.warnings.map { wording.text($0) }),
    ])
  }
}

extension UnusualChange {
  /// `volume 'vda' is empty (0 B)`.
  package var text: String {
    switch self {
    case .empty(let volume): "volume '\(volume)' is empty (0 B)"
    case .lessData(let volume, let bytes, let before):
      "volume '\(volume)' has \(Quantities.bytes(bytes)) of data; the previous revision has "
        + Quantities.bytes(before)
    case .smaller(let volume, let bytes, let before):
      "volume '\(volume)' has \(Quantities.bytes(bytes)); the previous revision has "
        + Quantities.bytes(before)
    case .added(let volume): "volume '\(volume)' is new to the job"
    case .removed(let volume): "volume '\(volume)' is missing"
    }
  }
}
