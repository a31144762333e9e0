import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText
import Retention

extension PruneSurvey {
  /// For every revision why it stays or goes; the orphaned jobs first.
  func print(to output: StandardOutput) throws {
    if !orphans.isEmpty {
      try output.table(orphanTable)
      try output.line("")
    }
    for (number, job) in jobs.enumerated() {
      if number > 0 { try output.line("") }
      try output.line("\(job.plan.job): \(job.policy?.text ?? "all of it, being orphaned")")
      try output.table(job.table)
    }
    try output.flush()
  }

  private var orphanTable: Table {
    var table = Table([.text("ORPHANED JOB"), .left("NEWEST"), .right("REVISIONS")])
    for orphan in orphans {
      table.add([
        Cell(orphan.job),
        Cell(orphan.history.last.map { TimeZone.shown.text(of: $0.revision.created) } ?? ""),
        Cell("\(orphan.history.count)"),
      ])
    }
    return table
  }

  func json(isDryRun: Bool, forgotten: Int) -> JSON {
    .object([
      "time": .string(now.rfc3339),
      "isDryRun": .bool(isDryRun),
      "forgottenRevisions": .integer(Int64(forgotten)),
      "orphanedJobs": .array(
        orphans.map { orphan in
          .object([
            "job": .string(orphan.job),
            "newest": .optional(orphan.history.last?.revision.created.rfc3339),
            "revisions": .integer(Int64(orphan.history.count)),
          ])
        }),
      "jobsWithoutPolicy": .strings(withoutPolicy),
      "unreadableRevisions": .strings(unreadable.map(\.id.description)),
      "doubts": .strings(doubts),
      "jobs": .array(jobs.map(\.json)),
    ])
  }
}

extension PruneSurvey.Job {
  fileprivate var table: Table {
    var table = Table([
      .left("TIME"), .text("REVISION"), .left("ID"), .text("TRUST"), .left("ACTION"), .text("WHY"),
    ])
    let zone = policy?.zone ?? .shown
    for (number, verdict) in plan.verdicts.enumerated() {
      table.add([
        Cell(zone.text(of: verdict.entry.revision.created)),
        Cell("\(plan.job)@\(plan.verdicts.count - 1 - number)"),
        Cell(verdict.entry.shortID),
        verdict.entry.trustCell,
        verdict.stays ? Cell("keep", .good) : Cell("delete", .bad),
        Cell(why(verdict)),
      ])
    }
    return table
  }

  private func why(_ verdict: RetentionPlan.Verdict) -> String {
    if verdict.stays { return verdict.reasons.map(\.description).joined(separator: ", ") }
    return policy == nil ? "orphaned" : "no rule keeps it"
  }

  fileprivate var json: JSON {
    .object([
      "job": .string(plan.job),
      "policy": policy?.json ?? .null,
      "revisions": .array(
        plan.verdicts.map { verdict in
          .object([
            "id": .string(verdict.entry.id.description),
            "created": .string(verdict.entry.revision.created.rfc3339),
            "trust": .string(verdict.entry.marks.trust.description),
            "kept": .bool(verdict.stays),
            "reasons": .strings(verdict.reasons.map(\.description)),
          ])
        }),
    ])
  }
}
