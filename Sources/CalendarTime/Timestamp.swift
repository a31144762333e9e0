import Glibc

/// A moment, to the nanosecond, from 1677 to 2262. Leap seconds are not counted, as in POSIX. In a file no
/// moment is before 1970, so that the distance of two moments in files can always be expressed.
package struct Timestamp: InstantProtocol, BitwiseCopyable {
  /// Nanoseconds after 1970-01-01 00:00 UTC; negative before it.
  package let nanosecondsSince1970: Int64

  private static let nanosecondsPerSecond: Int64 = 1_000_000_000

  /// 1970-01-01 00:00 UTC.
  package static let epoch = Timestamp(nanosecondsSince1970: 0)
  package static let earliest = Timestamp(nanosecondsSince1970: .min)
  package static let latest = Timestamp(nanosecondsSince1970: .max)

  package init(nanosecondsSince1970: Int64) { self.nanosecondsSince1970 = nanosecondsSince1970 }

  /// The moment this many seconds after 1970-01-01 00:00 UTC; nil if it cannot be expressed.
  package init?(secondsSince1970 seconds: Int64) {
    let (nanoseconds, overflows) = seconds.multipliedReportingOverflow(
      by: Self.nanosecondsPerSecond)
    guard !overflows else { return nil }
    nanosecondsSince1970 = nanoseconds
  }

  /// The time on the clock of this machine (clock_gettime(2)). The clock may be wrong.
  package static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    guard let second = Timestamp(secondsSince1970: Int64(time.tv_sec)) else { return .latest }
    return second + .nanoseconds(Int64(time.tv_nsec))
  }

  /// Seconds after 1970-01-01 00:00 UTC, rounded towards the past.
  package var secondsSince1970: Int64 {
    nanosecondsSince1970.flooringDivision(by: Self.nanosecondsPerSecond).quotient
  }

  /// The part of a second that ``secondsSince1970`` does not contain.
  package var withinSecond: Duration {
    .nanoseconds(nanosecondsSince1970.flooringDivision(by: Self.nanosecondsPerSecond).remainder)
  }

  /// `2026-11-20T14:30:15Z`: RFC 3339, in UTC, to the second.
  package var rfc3339: String { CivilTime(secondsSince1970: secondsSince1970).text + "Z" }

  // MARK: Distances

  /// The moment after `duration`. If it cannot be expressed, returns ``latest`` or ``earliest``.
  package func advanced(by duration: Duration) -> Timestamp {
    let (seconds, attoseconds) = duration.components
    let distance =
      Int128(seconds) * Int128(Self.nanosecondsPerSecond) + Int128(attoseconds / 1_000_000_000)
    return Timestamp(nanosecondsSince1970: Int64(clamping: Int128(nanosecondsSince1970) + distance))
  }

  package func duration(to other: Timestamp) -> Duration {
    .nanoseconds(other.nanosecondsSince1970) - .nanoseconds(nanosecondsSince1970)
  }

  package static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.nanosecondsSince1970 < right.nanosecondsSince1970
  }

  package static func + (moment: Timestamp, duration: Duration) -> Timestamp {
    moment.advanced(by: duration)
  }

  package static func - (moment: Timestamp, duration: Duration) -> Timestamp {
    moment.advanced(by: .zero - duration)
  }

  package static func - (later: Timestamp, earlier: Timestamp) -> Duration {
    earlier.duration(to: later)
  }
}
