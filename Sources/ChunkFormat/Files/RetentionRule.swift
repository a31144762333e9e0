/// A unit of the calendar, such as the day. A rule can keep one revision per day.
package enum CalendarUnit: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  case hour = 1
  case day = 2
  /// From Monday to Sunday (ISO 8601).
  case week = 3
  case month = 4
  case year = 5

  /// `hourly`.
  package var description: String {
    switch self {
    case .hour: "hourly"
    case .day: "daily"
    case .week: "weekly"
    case .month: "monthly"
    case .year: "yearly"
    }
  }
}

/// One reason to keep revisions. A policy keeps all revisions that at least one of its rules keeps.
package enum RetentionRule: Hashable, Sendable {
  /// The newest `count` revisions.
  case newest(count: UInt32)
  /// The newest revision of each of the last `count` hours, days … that have a revision.
  case calendar(CalendarUnit, count: UInt32)
  /// All revisions that are no older than this span, counted back from the newest usable one.
  case within(CalendarSpan)
  /// All revisions with this tag.
  case tagged(String)
  /// Of the revisions with this tag: the newest `count`, and all that are no older than `count`
  /// intervals, counted back from the newest usable revision of the job. A schedule of backy.
  case schedule(tag: String, interval: CalendarSpan, count: UInt32)
}

/// How long the revisions of a job are kept.
package struct RetentionPolicy: Equatable, Sendable {
  /// The rules, without duplicates. An empty list keeps only the revisions that no policy may
  /// delete.
  package var rules: [RetentionRule]
  /// Name in the system's time zone database, such as `Europe/Berlin`; nil for the time zone of the
  /// machine that prunes.
  package var timeZone: String?

  package init(rules: [RetentionRule], timeZone: String? = nil) {
    self.rules = rules
    self.timeZone = timeZone
  }
}

/// A length of calendar time: `30d`, `12h`, `2w`, `6m`, `1y`, `1y6m`.
///
/// A day is a calendar day of 23, 24 or 25 hours; a month has as many days as the calendar says.
/// Units below the hour are not needed for retention.
package struct CalendarSpan: Hashable, Sendable {
  /// Ten thousand years: no two moments in a file are further apart.
  static let maximumMonths: UInt32 = 120_000
  static let maximumDays: UInt32 = 3_660_000
  static let maximumHours: UInt32 = 87_840_000

  package let months: UInt32
  package let days: UInt32
  package let hours: UInt32

  /// A span; nil for zero, and for more than ten thousand years.
  package init?(months: UInt32 = 0, days: UInt32 = 0, hours: UInt32 = 0) {
    guard months <= Self.maximumMonths, days <= Self.maximumDays, hours <= Self.maximumHours,
      months > 0 || days > 0 || hours > 0
    else { return nil }
    self.months = months
    self.days = days
    self.hours = hours
  }

  /// Reads numbers, each with one of the units y, m (months), w, d and h. Each unit may occur once,
  /// in this order. Nil for anything else, for zero, and for more than ten thousand years.
  package init?(_ text: some StringProtocol) {
    let pattern = /(?:([0-9]+)y)?(?:([0-9]+)m)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?/
    guard let parts = String(text).wholeMatch(of: pattern)?.output,
      let years = Self.number(parts.1, times: 12), let months = Self.number(parts.2),
      let weeks = Self.number(parts.3, times: 7), let days = Self.number(parts.4),
      let hours = Self.number(parts.5)
    else { return nil }
    self.init(months: years + months, days: weeks + days, hours: hours)
  }

  /// This span multiplied by `count`; 0 counts as 1. Months, days and hours above their maximum
  /// become the maximum.
  package func times(_ count: UInt32) -> CalendarSpan {
    func product(_ number: UInt32, _ limit: UInt32) -> UInt32 {
      let (product, overflows) = number.multipliedReportingOverflow(by: max(1, count))
      return overflows ? limit : min(product, limit)
    }
    return CalendarSpan(
      months: product(months, Self.maximumMonths), days: product(days, Self.maximumDays),
      hours: product(hours, Self.maximumHours)) ?? self
  }

  /// 0 for a unit that is missing; nil for more than ``maximumHours`` of any unit, so that products
  /// and sums cannot overflow.
  private static func number(_ digits: Substring?, times factor: UInt32 = 1) -> UInt32? {
    guard let digits else { return 0 }
    guard let number = UInt32(digits), number <= maximumHours else { return nil }
    return number * factor
  }
}

extension CalendarSpan: CustomStringConvertible {
  /// In the form that can be read again: `1y6m`.
  package var description: String {
    let parts = [(months / 12, "y"), (months % 12, "m"), (days, "d"), (hours, "h")]
    return parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
  }
}
