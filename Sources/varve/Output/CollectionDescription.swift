import Administration
import GarbageCollection
import Remedies

extension CollectionReport {
  /// For people.
  var lines: [String] {
    var lines = [
      "\(liveRecords) of \(Quantities.count(records, "record")) in use by "
        + "\(Quantities.count(revisions, "revision")); all packs: \(Quantities.bytes(storeBytes))"
    ]
    lines += isDryRun ? prospects : outcome
    if postponedPacks > 0 {
      lines.append("left for another time: \(Quantities.count(postponedPacks, "pack"))")
    }
    if damagedCondemnations > 0 {
      lines.append(
        "\(Quantities.count(damagedCondemnations, "damaged list")) of condemned packs removed; the packs "
          + "were judged anew")
    }
    if let refusal {
      lines.append("without --dry-run this would be refused: \(refusal.textWithRemedies)")
    }
    if lostRecords > 0 {
      lines.append(
        "\(Quantities.count(lostRecords, "record")) that revisions need are in no pack; "
          + "'varve check-repository' says which")
    }
    return lines
  }

  private var prospects: [String] {
    var parts: [String] = []
    if deadPacks > 0 {
      parts.append("delete \(Quantities.count(deadPacks, "pack")) (\(Quantities.bytes(deadBytes)))")
    }
    if rewrittenPacks > 0 {
      parts.append("rewrite \(Quantities.count(rewrittenPacks, "pack"))")
    }
    if mergedPacks > 0 { parts.append("merge \(Quantities.count(mergedPacks, "small pack"))") }
    guard !parts.isEmpty else { return ["would change nothing"] }
    return [
      "would \(parts.joined(separator: ", ")); \(Quantities.bytes(deadBytes + rewrittenDeadBytes)) of garbage"
    ]
  }

  private var outcome: [String] {
    var lines: [String] = []
    if newBytes > 0, mergedPacks > 0 {
      lines.append("merged \(Quantities.count(mergedPacks, "small pack"))")
    }
    if newBytes > 0 {
      lines.append(
        "copied \(Quantities.count(copiedRecords, "record")) into \(Quantities.bytes(newBytes)) of "
          + "new packs")
    }
    let freed =
      freedBytes >= 0
      ? "freed \(Quantities.bytes(UInt64(freedBytes)))"
      : "the store grew by \(Quantities.bytes(freedBytes.magnitude))"
    lines.append("deleted \(Quantities.count(deletedPacks, "pack")); \(freed)")
    if pardonedPacks > 0 {
      lines.append("\(Quantities.count(pardonedPacks, "condemned pack")) kept, being needed")
    }
    if waitingPacks > 0 {
      let names = awaited.map { "\($0.purpose) (process \($0.process) on \($0.host))" }
      lines.append(
        "\(Quantities.count(waitingPacks, "pack")) can go when these have ended: "
          + names.joined(separator: ", ") + "; the next 'varve gc' deletes them")
    }
    if let endedEarly { lines.append("copying ended early: \(endedEarly.text(.commandLine))") }
    return lines
  }
}
