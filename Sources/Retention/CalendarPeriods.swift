package import ChunkFormat
package import ChunkStore

extension CalendarUnit {
  /// The number of the hour, day, week, month or year that the clock shows at `moment`: the same for
  /// all moments in one, and for no other.
  package func period(of moment: Nanoseconds, in zone: LocalTime) -> Int64 {
    let time = zone.time(of: moment)
    switch self {
    case .hour:
      // By when it began: an hour that comes twice, when clocks are set back, is two.
      return moment.wholeSeconds - Int64(time.minute * 60 + time.second)
    case .day: return time.dayNumber
    // 1969-12-29 was a Monday, three days before day 0.
    case .week: return (time.dayNumber + 3).flooringDivision(by: 7).quotient
    case .month: return Int64(time.year * 12 + time.month)
    case .year: return Int64(time.year)
    }
  }
}

extension CalendarSpan {
  private static let nanosecondsPerHour: Nanoseconds = 3_600_000_000_000

  /// The moment that is so long before `moment`: months and days by the calendar, so that the clock
  /// shows the same time, then hours. In a month that has no such day, its last. What lies before all
  /// moments that can be expressed is the first of them.
  package func start(before moment: Nanoseconds, in zone: LocalTime) -> Nanoseconds {
    let day = months == 0 && days == 0 ? moment : startOnCalendar(before: moment, in: zone)
    let (hours, isTooLong) = Nanoseconds(hours)
      .multipliedReportingOverflow(by: Self.nanosecondsPerHour)
    let (start, isTooEarly) = day.subtractingReportingOverflow(hours)
    return isTooLong || isTooEarly ? .min : start
  }

  private func startOnCalendar(before moment: Nanoseconds, in zone: LocalTime) -> Nanoseconds {
    var time = zone.time(of: moment)
    let (year, month) = Int64(time.year * 12 + time.month - 1 - Int(months))
      .flooringDivision(by: 12)
    (time.year, time.month) = (Int(year), Int(month) + 1)
    time.day = min(time.day, time.daysInMonth) - Int(days)
    guard let start = zone.moment(of: time) else { return .min }
    return start + (moment - moment.wholeSeconds * 1_000_000_000)
  }
}

extension CivilTime {
  /// Days from 1970-01-01 on.
  fileprivate var dayNumber: Int64 {
    CivilTime(year: year, month: month, day: day).secondsSince1970 / 86_400
  }

  fileprivate var daysInMonth: Int {
    let next = CivilTime(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1)
    return Int(next.dayNumber - CivilTime(year: year, month: month, day: 1).dayNumber)
  }
}
