import Administration
import BackupEngine
import ChunkFormat
import ChunkStore

extension BackupOutcome {
  /// Says what became of the backup.
  ///
  /// - Throws: ``ReportedFailure`` where the verification found damage.
  func print(asJSON: Bool, policy: VerificationPolicy) throws {
    for warning in report.warnings {
      Console.shared.warning(warning.textWithRemedies)
    }
    for change in report.unusual { Console.shared.warning("accepted as unusual: \(change.text)") }
    for volume in report.resized { Console.shared.message("\(entry.revision.job): \(volume.text)") }
    let output = StandardOutput()
    if asJSON {
      try output.document(json(.commandLine))
    } else {
      for line in summary(policy: policy) { Console.shared.message(line) }
      try output.line(report.id.description)
      try output.flush()
    }
    for line in report.verification.damageLines { Console.shared.message(line) }
    if report.verification.changedAtSource > 0 { warnOfChanges() }
    if let offset = report.verification.firstMissedBytes { tellOfMissedData(offset) }
    if !report.verification.isClean { throw ReportedFailure() }
  }

  private func summary(policy: VerificationPolicy) -> [String] {
    let statistics = entry.statistics
    let seconds = entry.durationSeconds
    let rate =
      seconds > 0.5
      ? ", \(Quantities.rate(bytesPerSecond: Double(statistics.readBytes) / seconds))" : ""
    return [
      "\(entry.revision.job): \(Quantities.bytes(entry.sizeBytes)) "
        + "(\(Quantities.bytes(statistics.dataBytes)) used); "
        + "\(Quantities.bytes(statistics.newBytes)) new, "
        + "\(Quantities.bytes(statistics.storedBytes)) stored; "
        + "\(Quantities.duration(seconds: seconds))\(rate)",
      policy == .none ? "not verified (--verify none)" : report.verification.summary,
    ]
  }

  private func warnOfChanges() {
    Console.shared.warning(
      "\(Quantities.count(report.verification.changedAtSource, "chunk")) of the source changed "
        + "during the backup: the revision is inconsistent; back up a snapshot instead")
  }

  private func tellOfMissedData(_ offsetBytes: UInt64) {
    Console.shared.message(
      "the revision lacks data: the source's file system reported "
        + "\(Quantities.count(report.verification.missedPieces, "range")) with data as holes, the first at "
        + "offset \(offsetBytes); back up again with --read-holes")
  }
}
