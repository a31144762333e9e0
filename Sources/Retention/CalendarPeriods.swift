package import CalendarTime
package import ChunkFormat

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
