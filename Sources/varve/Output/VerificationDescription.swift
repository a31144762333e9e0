import BackupEngine
import ChunkFormat

extension VerificationReport {
  /// What was read back, for what it was: `verified 5 % of the chunks (617 of 12345)`.
  var summary: String {
    let size = Quantities.bytes(checkedBytes)
    if totalChunks == 0 { return "verified: there are no chunks, all is holes" }
    if isComplete {
      return "verified all \(Quantities.count(totalChunks, "chunk")), \(size)"
    }
    return "verified \(Quantities.share(checkedChunks, of: totalChunks)) of the chunks "
      + "(\(checkedChunks) of \(totalChunks)), \(size)"
  }

  /// The same where it is not clear of how many revisions.
  var summaryOfRevisions: String {
    let count = Quantities.count(revisions, "revision")
    if revisions == 0 { return "verified nothing: there are no revisions" }
    return totalChunks == 0
      ? "verified \(count): there are no chunks, all is holes" : "\(summary) of \(count)"
  }

  /// One line a damage, and how many more there are.
  var damageLines: [String] {
    let lines = damages.map { damage in
      "damaged: \(damage.job)@\(damage.revision.short) \(damage.name), "
        + Damages.place(
          offsetBytes: damage.offsetBytes, lengthBytes: damage.lengthBytes, pack: damage.pack,
          message: damage.count == 1
            ? damage.message : "\(damage.count) chunks, the first: \(damage.message)")
    }
    return furtherDamages == 0
      ? lines : lines + ["damaged: \(furtherDamages) more places, not listed"]
  }

  var json: JSON {
    .object([
      "revisions": .integer(Int64(revisions)),
      "forgotten": .integer(Int64(forgotten)),
      "checkedChunks": .unsigned(checkedChunks),
      "totalChunks": .unsigned(totalChunks),
      "checkedBytes": .unsigned(checkedBytes),
      "isComplete": .bool(isComplete),
      "comparedSources": .bool(comparedSources),
      "isNoted": .bool(notNoted == nil),
      "quarantined": .integer(Int64(quarantined)),
      "changedAtSource": .unsigned(changedAtSource),
      "damages": .array(damages.map(\.json)),
      "furtherDamages": .integer(Int64(furtherDamages)),
    ])
  }
}

extension VerificationReport.Damage {
  fileprivate var json: JSON {
    .object([
      "job": .string(job), "revision": .string(revision.description), "volume": .string(name),
      "offsetBytes": .unsigned(offsetBytes), "lengthBytes": .unsigned(lengthBytes),
      "count": .integer(Int64(count)), "pack": .optional(pack), "message": .string(message),
    ])
  }
}

/// Where damage is and what it is, in the words of verification and restore.
enum Damages {
  static func place(
    offsetBytes: UInt64, lengthBytes: UInt64, pack: String?, message: String
  ) -> String {
    let place = "offset \(offsetBytes), \(Quantities.count(lengthBytes, "byte"))"
    guard let pack, !message.contains(pack) else { return "\(place): \(message)" }
    return "\(place), pack \(pack): \(message)"
  }
}
