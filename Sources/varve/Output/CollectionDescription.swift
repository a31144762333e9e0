import Administration
import ChunkFormat
import GarbageCollection
import JSONText

extension CollectionReport {
  var json: JSON {
    .object([
      "isDryRun": .bool(isDryRun),
      "revisions": .integer(Int64(revisions)),
      "records": .integer(Int64(records)),
      "liveRecords": .integer(Int64(liveRecords)),
      "lostRecords": .integer(Int64(lostRecords)),
      "refusal": .optional(refusal),
      "damagedCondemnations": .integer(Int64(damagedCondemnations)),
      "markSeconds": .seconds(markSeconds),
      "surveySeconds": .seconds(surveySeconds),
      "storeBytes": .unsigned(storeBytes),
      "deadPacks": .integer(Int64(deadPacks)),
      "deadBytes": .unsigned(deadBytes),
      "rewrittenPacks": .integer(Int64(rewrittenPacks)),
      "rewrittenDeadBytes": .unsigned(rewrittenDeadBytes),
      "mergedPacks": .integer(Int64(mergedPacks)),
      "postponedPacks": .integer(Int64(postponedPacks)),
      "deletedPacks": .integer(Int64(deletedPacks)),
      "deletedBytes": .unsigned(deletedBytes),
      "newBytes": .unsigned(newBytes),
      "freedBytes": .integer(freedBytes),
      "copiedRecords": .integer(Int64(copiedRecords)),
      "replacedBases": .integer(Int64(replacedBases)),
      "pardonedPacks": .integer(Int64(pardonedPacks)),
      "waitingPacks": .integer(Int64(waitingPacks)),
      "waitingFor": .array(
        awaited.map {
          .object([
            "purpose": .string($0.purpose), "host": .string($0.host),
            "process": .integer(Int64($0.process)),
          ])
        }),
      "removedRevisions": .integer(Int64(removedRevisions)),
      "unfinishedFiles": .integer(Int64(unfinishedFiles)),
      "unfinishedBytes": .unsigned(unfinishedBytes),
      "endedEarly": .optional(endedEarly),
      "damagedPacks": .array(
        damaged.map {
          .object(["pack": .string($0.pack.description), "message": .string($0.message)])
        }),
    ])
  }

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
    if let refusal { lines.append("without --dry-run this would be refused: \(refusal)") }
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
    if let endedEarly { lines.append("copying ended early: \(endedEarly)") }
    return lines
  }
}
