import Administration
import BackupEngine
import ChunkFormat
import ChunkStore

extension RestoreOutcome {
  /// Says what became of the restore.
  ///
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
    guard let fill else { return }
    let missing = report.gaps.reduce(0) { $0 + $1.lengthBytes }
    Console.shared.message(
      "\(Quantities.bytes(missing)) in \(Quantities.count(report.gaps.count, "gap")) could not be "
        + "restored: filled with \(fill)")
    throw ReportedFailure()
  }

  private var name: String {
    "\(restored.entry.revision.job)@\(restored.entry.shortID)/\(restored.volume.name)"
  }

  private var summary: String {
    let rate =
      seconds > 0.5
      ? ", \(Quantities.rate(bytesPerSecond: Double(report.dataBytes) / seconds)) of data" : ""
    return "restored \(name) to \(target): \(Quantities.bytes(report.sizeBytes)) "
      + "(\(Quantities.bytes(report.dataBytes)) used); \(Quantities.duration(seconds: seconds))"
      + rate + (report.isVerified ? "; verified: read back and compared" : "")
  }
}
