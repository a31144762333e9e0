/// A date or time as people write it: `2026-11-20`, `2026-11-20T14:30`, `2026-11-20T14:30:15`, with
/// `Z` or `+01:00` behind a time, else of the local zone; a space may stand for the `T` (ISO 8601,
/// RFC 3339).
///
/// It stands for the last moment that it can mean, the end of the day, the minute or the second,
/// so that a time copied from a list finds the revision it was copied from.
package struct TimeExpression: Equatable, Sendable {
  /// Moments are counted in 64 bits of nanoseconds from 1970, which last until 2262.
  private static let years = 1970...2261

  private enum Precision { case day, minute, second }

  private let time: CivilTime
  private let precision: Precision
  /// East of UTC; nil in the local zone.
  private let offsetSeconds: Int?

  /// Reads a date or time; nil for anything else, and for one that no calendar has.
  package init?(_ text: some StringProtocol) {
    let pattern =
      /([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?)?/
    guard let parts = String(text).wholeMatch(of: pattern)?.output,
      let year = Int(parts.1), let month = Int(parts.2), let day = Int(parts.3)
    else { return nil }
    time = CivilTime(
      year: year, month: month, day: day, hour: Self.number(parts.4), minute: Self.number(parts.5),
      second: Self.number(parts.6))
    precision = parts.4 == nil ? .day : parts.6 == nil ? .minute : .second
    offsetSeconds = parts.7.flatMap(Self.offset)
    guard Self.years ~= year, time.exists, abs(offsetSeconds ?? 0) < 86_400 else { return nil }
  }

  /// Whether it has no zone of its own, so that the local zone decides which moment is meant.
  package var isLocal: Bool { offsetSeconds == nil }

  /// The first nanosecond that the text can mean; nil where the system cannot tell.
  package func firstMoment(in zone: TimeZone) -> Timestamp? {
    let zone = offsetSeconds.map { TimeZone.fixed(offsetSeconds: $0) } ?? zone
    return zone.moment(of: time)
  }

  /// The last nanosecond that the text can mean; nil where the system cannot tell.
  package func lastMoment(in zone: TimeZone) -> Timestamp? {
    var lastSecond = time
    if precision == .day { (lastSecond.hour, lastSecond.minute) = (23, 59) }
    if precision != .second { lastSecond.second = 59 }
    let zone = offsetSeconds.map { TimeZone.fixed(offsetSeconds: $0) } ?? zone
    return zone.lastMoment(of: lastSecond).map { $0 + .nanoseconds(999_999_999) }
  }

  private static func number(_ digits: Substring?) -> Int { digits.flatMap { Int($0) } ?? 0 }

  /// Of `Z` or `+01:00`.
  private static func offset(_ text: Substring) -> Int {
    let parts = text.dropFirst().split(separator: ":").compactMap { Int($0) }
    guard parts.count == 2 else { return 0 }
    return (text.first == "-" ? -1 : 1) * (parts[0] * 3600 + parts[1] * 60)
  }
}
