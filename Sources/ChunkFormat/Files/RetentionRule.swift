/// A unit of the calendar; a rule keeps one revision of each.
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
  /// The newest revisions, this many.
  case newest(count: UInt32)
  /// The newest revision of each of the last hours, days … that have one, this many.
  case calendar(CalendarUnit, count: UInt32)
  /// All revisions within this span of the newest.
  case within(CalendarSpan)
  /// All revisions with this tag.
  case tagged(String)
  /// Of the revisions with this tag the newest ones, this many, and all within that many intervals:
  /// a schedule of backy.
  case schedule(tag: String, interval: CalendarSpan, count: UInt32)
}

/// How long the revisions of a job are kept.
package struct RetentionPolicy: Equatable, Sendable {
  /// Without duplicates. An empty list keeps only what no policy may delete.
  package var rules: [RetentionRule]
  /// Name in the system's database, such as `Europe/Berlin`; nil for the time zone of the machine
  /// that prunes.
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
