import Administration
import CalendarTime
import ChunkFormat
import ChunkStore
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
      try output.line(
        "\(job.plan.job): \(job.policy?.text ?? "all revisions, because the job is orphaned")")
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
    return policy == nil ? "orphaned" : "not kept by any rule"
  }
}

extension PruneSurvey.Oddity {
  var text: String {
    switch self {
    case .future(let job, let count, let first):
      "\(Quantities.count(count, "revision")) of \(job.plan.job), the first of "
        + "\((job.policy?.zone ?? .shown).text(of: first.revision.created)), "
        + "\(count == 1 ? "has a time" : "have times") in the future: a clock is or was wrong"
    case .unknownTag(let tag): "a rule names the tag '\(tag)', but no revision has it"
    case .allOrphaned: "every job is orphaned: is the clock right?"
    }
  }
}

extension PruneOutcome {
  var summary: String {
    let (going, count) = (survey.going.count, survey.count)
    let share = "\(going) of \(Quantities.count(count, "revision"))"
    switch obstacle {
    case .unreadable:
      return """
        nothing was deleted: a revision cannot be read, so its job is unknown; copy its file back \
        from another copy of the repository, or delete it with 'varve forget ID --yes'
        """
    case .doubts:
      let doubts = survey.doubts.joined(separator: "; ")
      return isDryRun
        ? "would delete \(share), but only with --yes: \(doubts)"
        : "nothing was deleted: \(doubts); check with --dry-run, then confirm with --yes"
    case nil:
      if going == 0 { return "nothing to delete in \(Quantities.count(count, "revision"))" }
      return isDryRun
        ? "would delete \(share)" : "deleted \(share); run 'varve gc' to free space"
    }
  }
}

extension AppliedPolicy {
  /// `--keep-daily 7, the repository's default`.
  fileprivate var text: String {
    switch origin {
    case .request: policy.options
    case .job: "\(policy.options), the job's policy"
    case .standard: "\(policy.options), the repository's default"
    }
  }
}
