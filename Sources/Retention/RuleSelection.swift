package import CalendarTime
package import ChunkFormat
import ChunkStore

/// Finds the revisions of a job that a single rule keeps.
///
/// A distrusted or unusual revision never takes the place of a usable one. If a period has no
/// usable revision, the newest other one is kept in addition, as long as a usable revision of that
/// period would be kept. It does not count towards the number of revisions that the rule keeps.
struct RuleSelection {
  /// The revisions, newest first, without revisions in the future.
  let candidates: [RevisionEntry]
  let zone: TimeZone

  /// The revisions that `rule` keeps, each with the reasons.
  func reasons(of rule: RetentionRule) -> [(RevisionID, StayReason)] {
    switch rule {
    case .newest(let count):
      return slots(of: rule, count: count, in: nil, among: candidates)
    case .calendar(let unit, let count):
      return slots(of: rule, count: count, in: unit, among: candidates)
    case .within(let span):
      return young(by: rule, span: span, among: candidates)
    case .tagged(let tag):
      return candidates.filter { $0.marks.tags.contains(tag) }.map { ($0.id, .tag(tag)) }
    case .schedule(let tag, let interval, let count):
      let tagged = candidates.filter { $0.marks.tags.contains(tag) }
      return slots(of: rule, count: count, in: nil, among: tagged)
        + young(by: rule, span: interval.times(count), among: tagged)
    }
  }

  /// The newest revision of each of the last `count` periods that have a revision. Without a unit,
  /// each revision has its own period.
  private func slots(
    of rule: RetentionRule, count: UInt32, in unit: CalendarUnit?, among entries: [RevisionEntry]
  ) -> [(RevisionID, StayReason)] {
    let placed = entries.enumerated().map { number, entry in
      (entry, period: unit?.period(of: entry.revision.created, in: zone) ?? Int64(number))
    }
    let usable = placed.filter { $0.0.isUsable }
    let usablePeriods = Set(usable.map(\.period))
    return newest(of: usable, count: count).map { ($0.id, .slot(rule, number: $0.number)) }
      + newest(of: placed, count: count)
      .filter { !usablePeriods.contains($0.period) }
      .map { ($0.id, .slot(rule, number: $0.number)) }
  }

  private func newest(
    of placed: [(RevisionEntry, period: Int64)], count: UInt32
  ) -> [(id: RevisionID, period: Int64, number: Int)] {
    var seen: Set<Int64> = []
    var found: [(id: RevisionID, period: Int64, number: Int)] = []
    for (entry, period) in placed where found.count < Int(count) && seen.insert(period).inserted {
      found.append((entry.id, period, found.count + 1))
    }
    return found
  }

  /// The revisions that are at most `span` older than the newest usable revision, or than the
  /// newest revision if none is usable. The span does not count from the current time: so nothing
  /// is deleted only because a machine is no longer backed up, or because a clock is ahead.
  private func young(
    by rule: RetentionRule, span: CalendarSpan, among entries: [RevisionEntry]
  ) -> [(RevisionID, StayReason)] {
    guard let newest = candidates.first(where: \.isUsable) ?? candidates.first else { return [] }
    let start = span.start(before: newest.revision.created, in: zone)
    return entries.filter { $0.revision.created >= start }.map { ($0.id, .young(rule)) }
  }
}

extension RevisionEntry {
  /// Whether the revision is neither distrusted nor unusual.
  package var isUsable: Bool { marks.trust != .distrusted && !revision.isUnusual }
}

extension CalendarUnit {
  /// The number of the hour, day, week, month or year of the local time at `moment`. Two moments
  /// have the same number only if they are in the same period.
  package func period(of moment: Timestamp, in zone: TimeZone) -> Int64 {
    let time = zone.time(of: moment)
    switch self {
    case .hour:
      // The moment at which the hour starts. If clocks are set back, an hour occurs twice: this
      // counts as two hours.
      return moment.secondsSince1970 - Int64(time.minute * 60 + time.second)
    case .day: return time.dayNumber
    // 1969-12-29, three days before day 0, was a Monday.
    case .week: return (time.dayNumber + 3).flooringDivision(by: 7).quotient
    case .month: return Int64(time.year * 12 + time.month)
    case .year: return Int64(time.year)
    }
  }
}

extension CalendarSpan {
  /// The moment that is this span before `moment`. Months and days are counted by the calendar, so
  /// the local time of day stays the same. If the month does not have that day, its last day is
  /// used. Hours are subtracted afterwards. If the result is too early to be expressed, returns the
  /// earliest moment.
  package func start(before moment: Timestamp, in zone: TimeZone) -> Timestamp {
    let day = months == 0 && days == 0 ? moment : startOnCalendar(before: moment, in: zone)
    return day - .seconds(Int64(hours) * 3600)
  }

  private func startOnCalendar(before moment: Timestamp, in zone: TimeZone) -> Timestamp {
    var time = zone.time(of: moment)
    let (year, month) = Int64(time.year * 12 + time.month - 1 - Int(months))
      .flooringDivision(by: 12)
    (time.year, time.month) = (Int(year), Int(month) + 1)
    time.day = min(time.day, time.daysInMonth) - Int(days)
    guard let start = zone.moment(of: time) else { return .earliest }
    return start + moment.withinSecond
  }
}
