import Administration
import ChunkFormat
import Inspection
import Remedies

extension InspectionReport {
  /// One line a finding, then one a loss.
  var lines: [String] {
    var lines = findings.map(\.line)
    if furtherFindings > 0 { lines.append("\(furtherFindings) more findings (not listed)") }
    return lines + losses.lines
  }

  var summary: String {
    let looked =
      "checked \(Quantities.count(packs, "pack"))"
      + (hashedBytes > 0 ? " (\(Quantities.bytes(hashedBytes)) hashed)" : "")
      + " and \(Quantities.count(revisions, "revision"))"
    guard !isClean else {
      let fixed = findings.count { $0.severity == .damage }
      return looked + (fixed == 0 ? ": no damage" : ": all damage repaired")
    }
    let open = findings.count(where: \.isOpenDamage)
    var parts: [String] = []
    if open > 0 { parts.append(Quantities.count(open, "damaged file")) }
    if !losses.isEmpty { parts.append("\(Quantities.count(losses.count, "range")) lost") }
    if parts.isEmpty { parts.append("damage") }
    return "\(looked): \(parts.joined(separator: ", "))"
  }
}

extension RepairReport {
  var lines: [String] {
    unreadableRevisions.map { "lost: revision \($0) cannot be read" } + losses.lines
      + (verification?.damageLines ?? []) + (inspection?.findings.map(\.line) ?? [])
  }

  var summary: String {
    let records = "\(Quantities.count(healedRecords, "record")), \(Quantities.bytes(healedBytes))"
    let healed =
      healedRecords == 0
      ? "nothing to repair" : isDryRun ? "would copy \(records)" : "copied \(records)"
    let copies = Quantities.count(healedElsewhere, "damaged copy", plural: "damaged copies")
    let elsewhere =
      healedElsewhere == 0 ? "" : "; for \(copies), another pack had an intact copy"
    let outcome =
      losses.isEmpty
      ? ""
      : "; \(Quantities.count(losses.count, "range")) lost: no intact copy in either repository"
    let checked = verification.map { "; \($0.summary)" } ?? ""
    let inspected = inspection.map { "; \($0.summary)" } ?? ""
    return healed + elsewhere + outcome + checked + inspected
  }
}

extension LossList {
  fileprivate var lines: [String] {
    // What many revisions have lost is one line: the message names the chunk.
    var first: [String: Int] = [:]
    var groups: [(loss: Loss, revisions: Set<RevisionID>)] = []
    for loss in losses {
      let key = "\(loss.lengthBytes) \(loss.message)"
      if let number = first[key] {
        groups[number].revisions.insert(loss.revision)
      } else {
        first[key] = groups.count
        groups.append((loss, [loss.revision]))
      }
    }
    let lines = groups.map { loss, revisions in
      "lost: \(loss.job)@\(loss.revision.short) \(loss.name), "
        + Damages.place(
          offsetBytes: loss.offsetBytes, lengthBytes: loss.lengthBytes, pack: nil,
          message: loss.message)
        + (revisions.count > 1 ? "; in \(Quantities.count(revisions.count, "revision"))" : "")
    }
    return further == 0 ? lines : lines + ["lost: \(further) more (not listed)"]
  }
}

extension Finding {
  fileprivate var line: String {
    let label =
      switch (severity, outcome) {
      case (_, .fixed): "repaired"
      case (.damage, _): "damaged"
      case (.note, _): "note"
      }
    let what = outcome.remark(.commandLine).map { " (\($0))" } ?? ""
    return "\(label): \(path.isEmpty ? "" : "\(path): ")\(message)\(what)"
  }
}
