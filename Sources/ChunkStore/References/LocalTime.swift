package import ChunkFormat
import Glibc

/// The clock on the wall: what translates between moments and what people write and read.
package struct LocalTime: Sendable {
  /// Seconds since 1970 at which the clock shows a time; nil where the system cannot tell. Fields
  /// may exceed their ranges. Of a time that comes twice, when clocks are set back, one is taken;
  /// one that is skipped counts as if clocks had not been set.
  let seconds: @Sendable (CivilTime) -> Int64?
  private let civilTime: @Sendable (Int64) -> (time: CivilTime, offsetSeconds: Int)

  /// The zone of the environment variable `TZ`, else of the system.
  package static let system = LocalTime(
    seconds: { time in
      var fields = tm()
      fields.tm_year = Int32(time.year - 1900)
      fields.tm_mon = Int32(time.month - 1)
      fields.tm_mday = Int32(time.day)
      fields.tm_hour = Int32(time.hour)
      fields.tm_min = Int32(time.minute)
      fields.tm_sec = Int32(time.second)
      fields.tm_isdst = -1
      // -1 stands for failure, and for the last second of 1969, when nobody used this program.
      let seconds = mktime(&fields)
      return seconds == -1 ? nil : Int64(seconds)
    },
    civilTime: { seconds in
      var moment = time_t(seconds)
      var fields = tm()
      guard localtime_r(&moment, &fields) != nil else {
        return (CivilTime(secondsSince1970: seconds), 0)
      }
      let time = CivilTime(
        year: Int(fields.tm_year) + 1900, month: Int(fields.tm_mon) + 1, day: Int(fields.tm_mday),
        hour: Int(fields.tm_hour), minute: Int(fields.tm_min), second: Int(fields.tm_sec))
      return (time, Int(fields.tm_gmtoff))
    })

  /// A zone that is always `seconds` east of UTC.
  package static func fixed(offsetSeconds: Int) -> LocalTime {
    LocalTime(
      seconds: { $0.secondsSince1970 - Int64(offsetSeconds) },
      civilTime: { (CivilTime(secondsSince1970: $0 + Int64(offsetSeconds)), offsetSeconds) })
  }

  /// What the clock shows at `moment`.
  package func time(of moment: Nanoseconds) -> CivilTime {
    civilTime(moment.wholeSeconds).time
  }

  /// `2026-11-20 14:30:15`, for people.
  package func text(of moment: Nanoseconds) -> String {
    time(of: moment).text.replacing("T", with: " ")
  }
}

extension Nanoseconds {
  /// Seconds since 1970, rounded towards the past.
  package var wholeSeconds: Int64 {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: 1_000_000_000)
    return remainder < 0 ? quotient - 1 : quotient
  }

  /// `2026-11-20T14:30:15Z`: RFC 3339, in UTC, to the second.
  package var timestamp: String {
    CivilTime(secondsSince1970: wholeSeconds).text + "Z"
  }
}
