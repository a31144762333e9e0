/// A date and time of day, to the second, in the proleptic Gregorian calendar.
package struct CivilTime: Equatable, Sendable {
  package var year: Int
  package var month: Int
  package var day: Int
  package var hour: Int
  package var minute: Int
  package var second: Int

  package init(
    year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0
  ) {
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  /// The time that a clock in UTC shows `seconds` after 1970-01-01 00:00.
  package init(secondsSince1970 seconds: Int64) {
    let (dayNumber, secondOfDay) = seconds.flooringDivision(by: 86_400)
    // Years begin in March, so that a leap day is the last day of its year. An era is 400 years, or
    // 146,097 days (Howard Hinnant, "chrono-compatible low-level date algorithms").
    let (era, dayOfEra) = (dayNumber + 719_468).flooringDivision(by: 146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    self.init(
      year: Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), month: Int(month),
      day: Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1), hour: Int(secondOfDay / 3600),
      minute: Int(secondOfDay / 60 % 60), second: Int(secondOfDay % 60))
  }

  /// Seconds from 1970-01-01 00:00 to this time, both on a clock in UTC. All fields except the
  /// month may exceed their ranges.
  package var secondsSince1970: Int64 {
    let (era, yearOfEra) = Int64(month <= 2 ? year - 1 : year).flooringDivision(by: 400)
    let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return (era * 146_097 + dayOfEra - 719_468) * 86_400
      + Int64(hour * 3600 + minute * 60 + second)
  }

  /// `2026-11-20T14:30:15`.
  package var text: String {
    "\(dateText)T\(hour.padded(2)):\(minute.padded(2)):\(second.padded(2))"
  }

  /// `2026-11-20`.
  package var dateText: String { "\(year.padded(4))-\(month.padded(2))-\(day.padded(2))" }

  /// Whether this date and time of day exist.
  package var exists: Bool {
    1...12 ~= month && 0...23 ~= hour && 0...59 ~= minute && 0...59 ~= second && day >= 1
      && CivilTime(secondsSince1970: secondsSince1970) == self
  }
}

extension CivilTime {
  /// The number of days from 1970-01-01 to this day; negative for earlier days.
  package var dayNumber: Int64 {
    CivilTime(year: year, month: month, day: day).secondsSince1970 / 86_400
  }

  /// The number of days in this month, 28 to 31.
  package var daysInMonth: Int {
    let next = CivilTime(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1)
    return Int(next.dayNumber - CivilTime(year: year, month: month, day: 1).dayNumber)
  }
}

extension Int64 {
  /// The quotient, rounded down, and the remainder, from 0 to `divisor` - 1. `divisor` must be
  /// greater than 0.
  package func flooringDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

extension Int {
  fileprivate func padded(_ digits: Int) -> String {
    let text = String(self)
    return String(repeating: "0", count: Swift.max(0, digits - text.count)) + text
  }
}
