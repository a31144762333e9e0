package import CalendarTime
package import ChunkFormat
import ChunkStore

/// The revisions of a job that single rules keep.
///
/// A distrusted or unusual revision never replaces a usable one. It is kept if no usable one takes
/// its place, as long as a usable one would be, and it is not counted.
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

  /// The newest of each of the last `count` periods that have one. Without a unit, each revision is
  /// a period of its own.
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

  /// The revisions within `span` of the newest usable one. So nothing is deleted because time
  /// passes after the last backup of a machine, nor because a clock is ahead.
  private func young(
    by rule: RetentionRule, span: CalendarSpan, among entries: [RevisionEntry]
  ) -> [(RevisionID, StayReason)] {
    guard let newest = candidates.first(where: \.isUsable) ?? candidates.first else { return [] }
    let start = span.start(before: newest.revision.created, in: zone)
    return entries.filter { $0.revision.created >= start }.map { ($0.id, .young(rule)) }
  }
}

extension RevisionEntry {
  /// Whether its content is trusted, and it was not made of volumes that had lost most of their
  /// content.
  package var isUsable: Bool { marks.trust != .distrusted && !revision.isUnusual }
}

extension CalendarUnit {
  /// The number of the hour, day, week, month or year of the local time at `moment`. Two moments
  /// have the same number only if they are in the same period.
  package func period(of moment: Timestamp, in zone: TimeZone) -> Int64 {
    let time = zone.time(of: moment)
    switch self {
    case .hour:
      // Counted by its start: an hour that occurs twice, when clocks are set back, is two.
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
  /// The moment this span before `moment`: months and days by the calendar, so that the local time
  /// stays the same, then hours. In a month without that day, its last day. Never before the first
  /// moment that can be expressed.
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
