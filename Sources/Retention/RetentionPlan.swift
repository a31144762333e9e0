package import CalendarTime
package import ChunkFormat
package import ChunkStore

/// Which revisions of a job to keep, with the reasons, and which to delete.
///
/// Kept whatever the policy says: protected revisions, revisions in use, the newest usable
/// revision, revisions with a time in the future, and a revision made with a clock that had been
/// set back, for as long as its parent is kept.
package struct RetentionPlan: Sendable {
  /// What happens to one revision.
  package struct Verdict: Sendable {
    package let entry: RevisionEntry
    /// Empty if it is deleted.
    package let reasons: [StayReason]

    package var stays: Bool { !reasons.isEmpty }
  }

  /// Deleting no more than these is never unusual.
  private static let usualCount = 5

  package let job: String
  /// Oldest first.
  package let verdicts: [Verdict]

  /// - Parameters:
  ///   - history: all revisions of the job.
  ///   - zone: the time zone of the calendar.
  ///   - users: the readers that use a revision now, in words.
  package init(
    of job: String, history: [RevisionEntry], policy: RetentionPolicy, in zone: TimeZone,
    now: Timestamp, users: [RevisionID: [String]]
  ) {
    let judgement = Judgement(
      history: history, policy: policy, zone: zone, now: now, users: users)
    self.init(of: job, history: history, reasons: judgement.reasons())
  }

  /// Deletes the job: all its revisions but those that are protected or in use.
  ///
  /// - Parameter users: the readers that use a revision now, in words.
  package init(
    forgetting job: String, history: [RevisionEntry], users: [RevisionID: [String]]
  ) {
    self.init(
      of: job, history: history,
      reasons: Dictionary(uniqueKeysWithValues: history.map { ($0.id, $0.bonds(users)) }))
  }

  private init(of job: String, history: [RevisionEntry], reasons: [RevisionID: [StayReason]]) {
    self.job = job
    verdicts = history.map { Verdict(entry: $0, reasons: reasons[$0.id] ?? []) }
  }

  /// Oldest first.
  package var going: [RevisionEntry] { verdicts.filter { !$0.stays }.map(\.entry) }

  /// Whether the number of deletions suggests a mistake: more than five, and more than half.
  package var isUnusual: Bool {
    let count = going.count
    return count > Self.usualCount && count * 2 > verdicts.count
  }
}

extension RevisionEntry {
  /// Reasons to keep it even if its job is deleted.
  fileprivate func bonds(_ users: [RevisionID: [String]]) -> [StayReason] {
    (marks.isProtected ? [.protected] : [])
      + (marksDamage == nil ? [] : [.unreadableMarks])
      + (users[id] ?? []).map { .inUse(by: $0) }
  }
}

/// Computes a plan.
private struct Judgement {
  let history: [RevisionEntry]
  let policy: RetentionPolicy
  let zone: TimeZone
  let now: Timestamp
  let users: [RevisionID: [String]]

  /// The reasons of each revision that is kept.
  ///
  /// The time of a revision made with a clock that was behind means nothing. It is kept as long as
  /// its parent is; after that, its time is all that is known of its age.
  func reasons() -> [RevisionID: [StayReason]] {
    let past = history.filter { $0.revision.created <= now }
    var dependents = madeWithClockBehind(past)
    while true {
      var reasons = reasons(of: past.filter { dependents[$0.id] == nil })
      for (id, parent) in dependents { reasons[id, default: []].append(.madeAfter(parent)) }
      for entry in history {
        let own = (entry.revision.created > now ? [.future] : []) + entry.bonds(users)
        if !own.isEmpty { reasons[entry.id, default: []] += own }
      }
      let released = dependents.filter { reasons[$0.value] == nil }
      if released.isEmpty { return reasons }
      for id in released.keys { dependents[id] = nil }
    }
  }

  /// Revisions with a time before their parent's, with the parent.
  private func madeWithClockBehind(_ past: [RevisionEntry]) -> [RevisionID: RevisionID] {
    let times = Dictionary(uniqueKeysWithValues: past.map { ($0.id, $0.revision.created) })
    var dependents: [RevisionID: RevisionID] = [:]
    for entry in past {
      guard let parent = entry.revision.parent, let time = times[parent],
        time > entry.revision.created
      else { continue }
      dependents[entry.id] = parent
    }
    return dependents
  }

  /// The revisions that the policy keeps, and the newest.
  private func reasons(of candidates: [RevisionEntry]) -> [RevisionID: [StayReason]] {
    let newestFirst = candidates.reversed() as [RevisionEntry]
    let selection = RuleSelection(candidates: newestFirst, zone: zone)
    var reasons: [RevisionID: [StayReason]] = [:]
    for rule in policy.rules {
      for (id, reason) in selection.reasons(of: rule) { reasons[id, default: []].append(reason) }
    }
    if let newest = newestFirst.first(where: \.isUsable) {
      reasons[newest.id, default: []].append(.newestUsable)
    } else if let newest = newestFirst.first {
      reasons[newest.id, default: []].append(.newest)
    }
    return reasons
  }
}
