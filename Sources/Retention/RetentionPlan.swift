package import CalendarTime
package import ChunkFormat
package import ChunkStore

/// The revisions of a job to keep, with the reasons, and the revisions to delete.
///
/// Some revisions are kept whatever the policy says:
///
/// - revisions that are protected or in use, or whose marks cannot be read;
/// - the newest usable revision, or the newest if none is usable;
/// - revisions with a time in the future;
/// - a revision with a time before its parent's time (a clock had been set back), as long as the
///   parent is kept.
package struct RetentionPlan: Sendable {
  /// The decision on one revision.
  package struct Verdict: Sendable {
    package let entry: RevisionEntry
    /// The reasons for keeping the revision; empty if it is deleted.
    package let reasons: [StayReason]

    package var stays: Bool { !reasons.isEmpty }
  }

  /// Deleting this many revisions or fewer is never unusual.
  private static let usualCount = 5

  package let job: String
  /// The decisions on all revisions of the job, oldest first.
  package let verdicts: [Verdict]

  /// - Parameters:
  ///   - history: all revisions of the job.
  ///   - zone: the time zone of the calendar.
  ///   - users: for each revision, the readers that use it now, in words.
  package init(
    of job: String, history: [RevisionEntry], policy: RetentionPolicy, in zone: TimeZone,
    now: Timestamp, users: [RevisionID: [String]]
  ) {
    let judgement = Judgement(
      history: history, policy: policy, zone: zone, now: now, users: users)
    self.init(of: job, history: history, reasons: judgement.reasons())
  }

  /// The plan for deleting the job. Deletes all its revisions, except revisions that are protected
  /// or in use, and revisions whose marks cannot be read, since they may be protected.
  ///
  /// - Parameter users: for each revision, the readers that use it now, in words.
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

  /// The revisions to delete, oldest first.
  package var going: [RevisionEntry] { verdicts.filter { !$0.stays }.map(\.entry) }

  /// Whether the number of deletions suggests a mistake: more than five, and more than half.
  package var isUnusual: Bool {
    let count = going.count
    return count > Self.usualCount && count * 2 > verdicts.count
  }
}

extension RevisionEntry {
  /// The reasons for keeping the revision even if its job is deleted.
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

  /// The reasons for each revision that is kept.
  ///
  /// If the clock was behind when a revision was made, its time is wrong. The revision is kept as
  /// long as its parent is kept. After that, its time is used although it is wrong: its true age is
  /// unknown.
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

  /// The revisions with a time before the time of their parent, each with its parent.
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

  /// The reasons from the policy, and the reason for the newest usable revision, or for the newest
  /// revision if none is usable.
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

/// A reason for keeping a revision.
package enum StayReason: Hashable, Sendable {
  /// It is number `number` of the revisions that a rule keeps; 1 is the newest.
  case slot(RetentionRule, number: Int)
  /// It is within the span of a rule.
  case young(RetentionRule)
  /// It has this tag, which a rule keeps.
  case tag(String)
  case protected
  /// Its marks cannot be read, so it may be protected.
  case unreadableMarks
  /// It is the newest revision of the job that is neither distrusted nor unusual.
  case newestUsable
  /// It is the newest revision of a job without a usable revision.
  case newest
  /// Its time is in the future: a clock was wrong, and its age is unknown.
  case future
  /// It was made after this revision, its parent, although its own time is earlier: the clock had
  /// been set back. The parent is kept.
  case madeAfter(RevisionID)
  /// A reader uses it now; the value names the reader.
  case inUse(by: String)
}

extension StayReason: CustomStringConvertible {
  /// Short, for a column: `daily 3 of 7`.
  package var description: String {
    switch self {
    case .slot(let rule, let number): Self.text(of: rule, number: number)
    case .young(let rule): Self.text(of: rule)
    case .tag(let tag): "tag \(tag)"
    case .protected: "protected"
    case .unreadableMarks: "its marks cannot be read; it may be protected"
    case .newestUsable: "newest usable revision"
    case .newest: "newest (no usable revision left)"
    case .future: "in the future"
    case .madeAfter(let parent):
      "made after \(parent.short) with a clock that was behind"
    case .inUse(let user): "pinned by \(user)"
    }
  }

  private static func text(of rule: RetentionRule, number: Int) -> String {
    switch rule {
    case .newest(let count): "last \(number) of \(count)"
    case .calendar(let unit, let count): "\(unit) \(number) of \(count)"
    case .schedule(let tag, _, let count): "schedule \(tag) \(number) of \(count)"
    case .within, .tagged: text(of: rule)
    }
  }

  private static func text(of rule: RetentionRule) -> String {
    switch rule {
    case .newest(let count): "last \(count)"
    case .calendar(let unit, let count): "\(unit) \(count)"
    case .within(let span): "within \(span)"
    case .tagged(let tag): "tag \(tag)"
    case .schedule(let tag, let interval, let count):
      "schedule \(tag), within \(count) × \(interval)"
    }
  }
}

/// A job without a recent revision: its machine may no longer exist.
package struct OrphanedJob: Sendable {
  package let job: String
  /// The revisions of the job, oldest first.
  package let history: [RevisionEntry]

  /// The jobs whose newest revision is older than `age`.
  ///
  /// - Parameter histories: the revisions of each job, oldest first.
  package static func among(
    _ histories: [String: [RevisionEntry]], after age: CalendarSpan, in zone: TimeZone,
    now: Timestamp
  ) -> [OrphanedJob] {
    let start = age.start(before: now, in: zone)
    return histories.compactMap { job, history in
      guard let newest = history.last, newest.revision.created < start else { return nil }
      return OrphanedJob(job: job, history: history)
    }.sorted { $0.job < $1.job }
  }
}
