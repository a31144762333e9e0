package import CalendarTime
package import ChunkFormat
import ChunkStore

/// Finds the revisions of a job that a single rule keeps.
///
/// A distrusted or unusual revision never takes the place of a usable one. If its period has no
/// usable one, it is kept in addition, as long as a usable one in that period would be kept. It
/// does not count towards the number of revisions that the rule keeps.
struct RuleSelection {
  /// Newest first, without those in the future.
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

  /// The newest revision of each of the last `count` periods that have one. Without a unit, each
  /// revision is a period of its own.
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

  /// The revisions that are at most `span` older than the newest usable one (the newest if none is
  /// usable). Counting from there, nothing is deleted only because time passes after the last
  /// backup of a machine, nor because a clock is ahead.
  private func young(
    by rule: RetentionRule, span: CalendarSpan, among entries: [RevisionEntry]
  ) -> [(RevisionID, StayReason)] {
    guard let newest = candidates.first(where: \.isUsable) ?? candidates.first else { return [] }
    let start = span.start(before: newest.revision.created, in: zone)
    return entries.filter { $0.revision.created >= start }.map { ($0.id, .young(rule)) }
  }
}

extension RevisionEntry {
  /// Whether it is not distrusted, and was not made of volumes that had lost most of their content.
  package var isUsable: Bool { marks.trust != .distrusted && !revision.isUnusual }
}

extension CalendarUnit {
  /// The number of the hour, day, week, month or year of the local time at `moment`. All
  /// moments of one period have the same number, and no others have it.
  package func period(of moment: Timestamp, in zone: TimeZone) -> Int64 {
    let time = zone.time(of: moment)
    switch self {
    case .hour:
      // The time of its start: an hour that occurs twice, when clocks are set back, is two.
      return moment.secondsSince1970 - Int64(time.minute * 60 + time.second)
    case .day: return time.dayNumber
    // 1969-12-29 was a Monday, three days before day 0.
    case .week: return (time.dayNumber + 3).flooringDivision(by: 7).quotient
    case .month: return Int64(time.year * 12 + time.month)
    case .year: return Int64(time.year)
    }
  }
}

extension CalendarSpan {
  /// The moment that is this span before `moment`. Months and days are counted by the calendar, so
  /// the local time of day stays the same; a month without that day gives its last day. Hours are
  /// subtracted afterwards. The result is never before the first moment that can be expressed.
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
