/// A unit of the calendar, of which one revision each can be kept.
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

/// One reason to keep revisions. What a policy keeps is what any of its rules keeps.
package enum RetentionRule: Hashable, Sendable {
  /// The newest so many.
  case newest(count: UInt32)
  /// The newest of each of the last so many hours, days … in which there is one.
  case calendar(CalendarUnit, count: UInt32)
  /// All that are no older than this, counted back from the newest.
  case within(CalendarSpan)
  /// All with this tag.
  case tagged(String)
  /// Of those with this tag the newest so many, and all no older than so many intervals: a schedule of
  /// backy.
  case schedule(tag: String, interval: CalendarSpan, count: UInt32)
}

/// How long the revisions of a job are kept.
package struct RetentionPolicy: Equatable, Sendable {
  /// Without two that are alike; none keeps nothing but what no policy may forget.
  package var rules: [RetentionRule]
  /// Name in the system's database, such as `Europe/Berlin`; nil for the zone of whoever prunes.
  package var timeZone: String?

  package init(rules: [RetentionRule], timeZone: String? = nil) {
    self.rules = rules
    self.timeZone = timeZone
  }
}

extension RetentionRule: CustomStringConvertible {
  /// As an option: `--keep-daily 7`.
  package var description: String {
    switch self {
    case .newest(let count): "--keep-last \(count)"
    case .calendar(let unit, let count): "--keep-\(unit) \(count)"
    case .within(let span): "--keep-within \(span)"
    case .tagged(let tag): "--keep-tag \(tag)"
    case .schedule(let tag, let interval, let count): "--keep-schedule \(tag)=\(interval):\(count)"
    }
  }
}

extension RetentionPolicy: CustomStringConvertible {
  /// As options: `--keep-daily 7 --keep-weekly 5 --time-zone Europe/Berlin`.
  package var description: String {
    (rules.map(\.description) + (timeZone.map { ["--time-zone \($0)"] } ?? []))
      .joined(separator: " ")
  }
}
