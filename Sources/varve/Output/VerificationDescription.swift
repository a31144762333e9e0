import Administration
import BackupEngine
import ChunkFormat
import ChunkStore

extension VerificationReport {
  /// What was read back, for what it was: `verified 5 % of the chunks (617 of 12345)`.
  var summary: String {
    let size = Quantities.bytes(checkedBytes)
    guard damageCount == 0 else {
      return "checked \(Quantities.count(checkedChunks, "chunk")) (\(size)): "
        + "\(damageCount) damaged"
    }
    if totalChunks == 0 { return "nothing to verify: no chunks, only holes" }
    if isComplete {
      return "verified all \(Quantities.count(totalChunks, "chunk")) (\(size))"
    }
    return "verified \(Quantities.share(checkedChunks, of: totalChunks)) of the chunks "
      + "(\(checkedChunks) of \(totalChunks)), \(size)"
  }

  /// The same where it is not clear of how many revisions, with all that was found damaged besides.
  func summaryOfRevisions(and unreadable: Int, _ packs: Int) -> String {
    let count = Quantities.count(revisions, "revision")
    var damage: [String] = []
    if damageCount > 0 { damage.append("\(damageCount) damaged") }
    if packs > 0 { damage.append(Quantities.count(packs, "damaged pack")) }
    if unreadable > 0 { damage.append(Quantities.count(unreadable, "unreadable revision")) }
    if !unmarkable.isEmpty {
      damage.append("\(Quantities.count(unmarkable.count, "revision")) with damaged marks")
    }
    guard damage.isEmpty else {
      let chunks = Quantities.count(checkedChunks, "chunk")
      return "checked \(chunks) (\(Quantities.bytes(checkedBytes))) in \(count): "
        + damage.joined(separator: ", ")
    }
    if revisions == 0 { return "nothing to verify: no revisions" }
    if totalChunks == 0 { return "nothing to verify: no chunks in \(count), only holes" }
    return "\(summary) in \(count): no damage"
  }

  /// One line a damage, and how many more there are.
  var damageLines: [String] {
    let lines = damages.map { damage in
      "damaged: \(damage.job)@\(damage.revision.short) \(damage.name), "
        + Damages.place(
          offsetBytes: damage.offsetBytes, lengthBytes: damage.lengthBytes, pack: damage.pack,
          message: damage.count == 1
            ? damage.message : "\(damage.count) chunks, the first: \(damage.message)")
        + (damage.revisionCount > 1
          ? "; in \(Quantities.count(damage.revisionCount, "revision"))" : "")
    }
    return furtherDamages == 0
      ? lines : lines + ["damaged: \(furtherDamages) more (not listed)"]
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
