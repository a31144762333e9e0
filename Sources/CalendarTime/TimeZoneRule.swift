/// Standard time and daylight saving time by a rule that repeats every year, such as
/// `CET-1CEST,M3.5.0,M10.5.0/3` (tzset(3); RFC 8536, section 3.3.1).
struct TimeZoneRule: Equatable, Sendable {
  /// East of UTC, in seconds.
  let standardOffset: Int
  let daylight: Daylight?

  struct Daylight: Equatable, Sendable {
    /// East of UTC, in seconds.
    let offset: Int
    /// When daylight saving time begins, in standard time.
    let start: Change
    /// When daylight saving time ends, in daylight saving time.
    let end: Change
  }

  /// A time in each year at which clocks are set.
  struct Change: Equatable, Sendable {
    let day: Day
    /// Seconds from the beginning of the day, -167 to 167 hours.
    let secondOfDay: Int
  }

  enum Day: Equatable, Sendable {
    /// 1 to 365; 29 February is not counted.
    case ofCommonYear(Int)
    /// 0 to 365; 29 February is counted.
    case ofYear(Int)
    /// Month, week and weekday. Week 5 is the last, weekday 0 is Sunday.
    case weekday(month: Int, week: Int, weekday: Int)
  }

  /// How far the clock is ahead of UTC, in seconds, at a moment in seconds since 1970.
  func offset(at moment: Int64) -> Int {
    guard let daylight else { return standardOffset }
    let year = CivilTime(secondsSince1970: moment + Int64(standardOffset)).year
    let (start, end) = bounds(of: daylight, inYear: year)
    let isDaylight =
      start < end ? start <= moment && moment < end : !(end <= moment && moment < start)
    return isDaylight ? daylight.offset : standardOffset
  }

  /// The moments in a year at which clocks are set, in seconds since 1970, and how far they are
  /// ahead of UTC from that moment on.
  func transitions(inYear year: Int) -> [(moment: Int64, offset: Int)] {
    guard let daylight else { return [] }
    let (start, end) = bounds(of: daylight, inYear: year)
    return [(start, daylight.offset), (end, standardOffset)].sorted { $0.0 < $1.0 }
  }

  private func bounds(of daylight: Daylight, inYear year: Int) -> (start: Int64, end: Int64) {
    (
      daylight.start.secondsSince1970(inYear: year) - Int64(standardOffset),
      daylight.end.secondsSince1970(inYear: year) - Int64(daylight.offset)
    )
  }
}

extension TimeZoneRule.Change {
  /// The moment of the change if its time were the time on a clock in UTC.
  fileprivate func secondsSince1970(inYear year: Int) -> Int64 {
    day.number(inYear: year) * 86_400 + Int64(secondOfDay)
  }
}

extension TimeZoneRule.Day {
  /// The number of days since 1970-01-01.
  fileprivate func number(inYear year: Int) -> Int64 {
    switch self {
    case .ofYear(let day):
      return CivilTime(year: year, month: 1, day: 1).dayNumber + Int64(day)
    case .ofCommonYear(let day):
      let isAfterLeapDay = day >= 60 && CivilTime(year: year, month: 2, day: 1).daysInMonth == 29
      return CivilTime(year: year, month: 1, day: isAfterLeapDay ? day + 1 : day).dayNumber
    case .weekday(let month, let week, let weekday):
      let first = CivilTime(year: year, month: month, day: 1)
      // 1970-01-01 was a Thursday, weekday 4.
      let weekdayOfFirst = (first.dayNumber + 4).flooringDivision(by: 7).remainder
      let firstMatch = (Int64(weekday) - weekdayOfFirst).flooringDivision(by: 7).remainder
      let day = firstMatch + Int64(week - 1) * 7
      return first.dayNumber + (day < Int64(first.daysInMonth) ? day : day - 7)
    }
  }
}

// MARK: - Reading

extension TimeZoneRule {
  /// Longer than any rule in use. Parsing takes time that grows with the square of the length.
  private static let maximumBytes = 255

  /// The dates of the United States. glibc uses them for a rule without dates for daylight saving
  /// time.
  private static let usualDates = "M3.2.0,M11.1.0"

  /// Reads a rule; nil for anything else.
  init?(_ text: some StringProtocol) {
    guard text.utf8.count <= Self.maximumBytes else { return nil }
    var rest = Substring(text)
    guard Self.takeName(&rest), let standard = Self.takeOffset(&rest) else { return nil }
    standardOffset = standard
    guard !rest.isEmpty else {
      daylight = nil
      return
    }
    guard Self.takeName(&rest) else { return nil }
    var offset = standard + 3600
    if let first = rest.first, first != "," {
      guard let own = Self.takeOffset(&rest) else { return nil }
      offset = own
    }
    let dates = (rest.isEmpty ? Self.usualDates[...] : rest.dropFirst())
      .split(separator: ",", omittingEmptySubsequences: false)
    guard dates.count == 2, let start = Change(dates[0]), let end = Change(dates[1]) else {
      return nil
    }
    daylight = Daylight(offset: offset, start: start, end: end)
  }

  /// Reads a name: three or more letters, or three or more letters, digits and signs in angle
  /// brackets.
  private static func takeName(_ rest: inout Substring) -> Bool {
    guard let name = rest.prefixMatch(of: /[A-Za-z]{3,}|<[A-Za-z0-9+\-]{3,}>/) else { return false }
    rest = rest[name.range.upperBound...]
    return true
  }

  /// Reads an offset, and returns it in seconds east of UTC. Rules count hours west of UTC.
  private static func takeOffset(_ rest: inout Substring) -> Int? {
    takeTime(&rest, maximumHours: 24).map { -$0 }
  }

  /// Reads `[+-]hh[:mm[:ss]]`, and returns it in seconds.
  fileprivate static func takeTime(_ rest: inout Substring, maximumHours: Int) -> Int? {
    let pattern = /([+\-]?)([0-9]{1,3})(?::([0-5][0-9])(?::([0-5][0-9]))?)?/
    guard let match = rest.prefixMatch(of: pattern), let hours = Int(match.2), hours <= maximumHours
    else { return nil }
    rest = rest[match.range.upperBound...]
    let minutes = match.3.flatMap { Int($0) } ?? 0
    let seconds = match.4.flatMap { Int($0) } ?? 0
    return (match.1 == "-" ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds)
  }
}

extension TimeZoneRule.Change {
  /// Reads `DATE` or `DATE/TIME`. Without a time, clocks are set at two o'clock. Nil for anything
  /// else.
  fileprivate init?(_ text: Substring) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard 1...2 ~= parts.count, let day = TimeZoneRule.Day(parts[0]) else { return nil }
    self.day = day
    guard parts.count == 2 else {
      secondOfDay = 2 * 3600
      return
    }
    var rest = parts[1]
    guard let time = TimeZoneRule.takeTime(&rest, maximumHours: 167), rest.isEmpty else {
      return nil
    }
    secondOfDay = time
  }
}

extension TimeZoneRule.Day {
  /// Reads a date: `Jn`, `n` or `Mm.w.d` (tzset(3)). Nil for anything else.
  fileprivate init?(_ text: Substring) {
    if let match = text.wholeMatch(of: /M([0-9]{1,2})\.([1-5])\.([0-6])/) {
      guard let month = Int(match.1), 1...12 ~= month, let week = Int(match.2),
        let weekday = Int(match.3)
      else { return nil }
      self = .weekday(month: month, week: week, weekday: weekday)
    } else if let match = text.wholeMatch(of: /(J?)([0-9]{1,3})/), let day = Int(match.2) {
      let isOfCommonYear = match.1 == "J"
      guard (isOfCommonYear ? 1...365 : 0...365) ~= day else { return nil }
      self = isOfCommonYear ? .ofCommonYear(day) : .ofYear(day)
    } else {
      return nil
    }
  }
}
