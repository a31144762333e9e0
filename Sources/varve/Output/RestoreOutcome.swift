import Administration
import BackupEngine
import ChunkFormat
import ChunkStore
import JSONText

/// What a restore has to say when it is done.
struct RestoreOutcome {
  private let report: RestoreReport
  private let revision: RevisionEntry
  private let volume: String
  private let target: String
  private let seconds: Double
  private let fill: DamageFill?
  private let notices: [Notice]

  init(
    _ report: RestoreReport, revision: RevisionEntry, volume: String, target: String,
    seconds: Double, fill: DamageFill?, notices: [Notice]
  ) {
    self.report = report
    self.revision = revision
    self.volume = volume
    self.target = target
    self.seconds = seconds
    self.fill = fill
    self.notices = notices
  }

  /// - Throws: ``ReportedFailure`` where the target has gaps.
  func print(asJSON: Bool) throws {
    if asJSON { try StandardOutput().document(json) }
    for gap in report.gaps {
      Console.shared.message(
        "gap: \(name), "
          + Damages.place(
            offsetBytes: gap.offsetBytes, lengthBytes: gap.lengthBytes, pack: gap.pack,
            message: gap.message))
    }
    Console.shared.message(summary)
    guard let fill, !report.gaps.isEmpty else { return }
    let missing = report.gaps.reduce(0) { $0 + $1.lengthBytes }
    Console.shared.message(
      "\(Quantities.bytes(missing)) in \(Quantities.count(report.gaps.count, "gap")) could not be "
        + "restored: filled with \(fill)")
    throw ReportedFailure()
  }

  private var name: String { "\(revision.revision.job)@\(revision.shortID)/\(volume)" }

  private var summary: String {
    let rate =
      seconds > 0.5
      ? ", \(Quantities.rate(bytesPerSecond: Double(report.dataBytes) / seconds)) of data" : ""
    return "restored \(name) to \(target): \(Quantities.bytes(report.sizeBytes)), "
      + "\(Quantities.bytes(report.dataBytes)) of data; \(Quantities.duration(seconds: seconds))"
      + rate + (report.isVerified ? "; verified: read back and compared" : "")
  }

  private var json: JSON {
    .object([
      "revision": .string(revision.id.description),
      "job": .string(revision.revision.job),
      "volume": .string(volume),
      "target": .string(target),
      "sizeBytes": .unsigned(report.sizeBytes),
      "dataBytes": .unsigned(report.dataBytes),
      "durationSeconds": .seconds(seconds),
      "isVerified": .bool(report.isVerified),
      "fill": .optional(report.gaps.isEmpty ? nil : fill?.description),
      "gaps": .array(
        report.gaps.map { gap in
          .object([
            "offsetBytes": .unsigned(gap.offsetBytes), "lengthBytes": .unsigned(gap.lengthBytes),
            "pack": .optional(gap.pack), "message": .string(gap.message),
          ])
        }),
      "warnings": .strings(notices.map(\.description)),
    ])
  }
}
