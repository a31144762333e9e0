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
      lines.append("\(Quantities.count(postponedPacks, "pack")) left for a later 'varve gc'")
    }
    if damagedCondemnations > 0 {
      lines.append(
        "\(Quantities.count(damagedCondemnations, "damaged list")) of packs to delete removed; "
          + "the packs were checked again")
    }
    if let refusal {
      lines.append("'varve gc' would refuse this: \(refusal.textWithRemedies)")
    }
    if lostRecords > 0 {
      lines.append(
        "\(Quantities.count(lostRecords, "record")) missing from all packs, but needed by revisions; "
          + "run 'varve check-repository' to list what is lost")
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
      "would \(parts.joined(separator: ", ")); that frees up to \(Quantities.bytes(deadBytes + rewrittenDeadBytes))"
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
      : "the repository grew by \(Quantities.bytes(freedBytes.magnitude))"
    lines.append("deleted \(Quantities.count(deletedPacks, "pack")); \(freed)")
    if pardonedPacks > 0 {
      lines.append("\(Quantities.count(pardonedPacks, "pack")) kept: in use again")
    }
    if waitingPacks > 0 {
      let names = awaited.map { "\($0.purpose) (process \($0.process) on \($0.host))" }
      lines.append(
        "\(Quantities.count(waitingPacks, "pack")) not deleted yet: in use until these end: "
          + names.joined(separator: ", ") + "; run 'varve gc' again after that")
    }
    if let endedEarly { lines.append("stopped copying early: \(endedEarly.text(.commandLine))") }
    return lines
  }
}
