import CalendarTime
import ChunkFormat
import Glibc
import TestSupport
import Testing

@testable import ChunkStore
@testable import Retention

/// Checks whether moments are in the same hour, day, week, month or year. All moments here are in
/// UTC.
@Suite struct CalendarPeriodTests {
  @Test(
    "Moments in the same period",
    arguments: [
      (.hour, "Europe/Berlin", "2026-11-20 13:00:00", "2026-11-20 13:59:59"),
      (.hour, "Asia/Kathmandu", "2026-11-20 13:15:00", "2026-11-20 14:14:59"),
      // A day on which clocks are set forward has 23 hours; a day on which they are set back has
      // 25.
      (.day, "Europe/Berlin", "2026-03-28 23:00:00", "2026-03-29 21:59:59"),
      (.day, "Europe/Berlin", "2026-10-24 22:00:00", "2026-10-25 22:59:59"),
      (.day, "America/New_York", "2026-03-08 05:00:00", "2026-03-09 03:59:59"),
      (.day, "America/New_York", "2026-11-01 04:00:00", "2026-11-02 04:59:59"),
      (.day, "Pacific/Kiritimati", "2026-12-30 10:00:00", "2026-12-31 09:59:59"),
      (.day, "Australia/Lord_Howe", "2026-04-04 13:00:00", "2026-04-05 13:29:59"),
      // Clocks are set back from 0:00 to 23:00: on this day, the hour from 23:00 occurs twice.
      (.day, "America/Sao_Paulo", "2018-02-17 02:00:00", "2018-02-18 02:59:59"),
      // The week that contains New Year is one week.
      (.week, "UTC", "2026-12-28 00:00:00", "2027-01-03 23:59:59"),
      (.week, "UTC", "2024-12-30 00:00:00", "2025-01-05 23:59:59"),
      (.week, "Europe/Berlin", "2026-03-22 23:00:00", "2026-03-29 21:59:59"),
      // A wrong clock can show such times.
      (.week, "UTC", "1969-12-22 00:00:00", "1969-12-28 23:59:59"),
      (.month, "UTC", "2028-02-01 00:00:00", "2028-02-29 23:59:59"),
      (.month, "Europe/Berlin", "2026-02-28 23:00:00", "2026-03-31 21:59:59"),
      (.year, "Europe/Berlin", "2026-12-31 23:00:00", "2027-12-31 22:59:59"),
      (.year, "UTC", "2028-01-01 00:00:00", "2028-12-31 23:59:59"),
    ] as [(CalendarUnit, String, String, String)])
  func areOne(unit: CalendarUnit, name: String, first: String, last: String) throws {
    let zone = try TimeZone.zone(name)
    let (first, last) = (try Moment.utc(first), try Moment.utc(last))
    #expect(unit.period(of: first, in: zone) == unit.period(of: last, in: zone))
    #expect(unit.period(of: first - .nanoseconds(1), in: zone) != unit.period(of: first, in: zone))
    #expect(
      unit.period(of: last + .seconds(1), in: zone) != unit.period(of: last, in: zone))
  }

  @Test(
    "Moments in different periods",
    arguments: [
      // 2:30 occurs twice.
      (.hour, "Europe/Berlin", "2026-10-25 00:30:00", "2026-10-25 01:30:00"),
      // The time from 1:30 to 2:00 occurs twice.
      (.hour, "Australia/Lord_Howe", "2026-04-04 14:45:00", "2026-04-04 15:15:00"),
      // Clocks go from 1:59 to 3:00.
      (.hour, "Europe/Berlin", "2026-03-29 00:59:59", "2026-03-29 01:00:00"),
      (.hour, "UTC", "2026-11-19 13:30:00", "2026-11-20 13:30:00"),
      (.day, "UTC", "2028-02-28 12:00:00", "2028-02-29 12:00:00"),
      (.day, "UTC", "2026-11-20 12:00:00", "2027-11-20 12:00:00"),
      (.week, "UTC", "2027-01-03 12:00:00", "2027-01-04 12:00:00"),
      (.month, "UTC", "2026-11-20 12:00:00", "2027-11-20 12:00:00"),
      (.month, "UTC", "2026-12-31 12:00:00", "2027-01-01 12:00:00"),
    ] as [(CalendarUnit, String, String, String)])
  func areTwo(unit: CalendarUnit, name: String, first: String, second: String) throws {
    let zone = try TimeZone.zone(name)
    #expect(
      unit.period(of: try Moment.utc(first), in: zone)
        != unit.period(of: try Moment.utc(second), in: zone))
  }

  /// The C library also numbers weeks, and knows the year of each week.
  @Test func weeksAgreeWithTheCLibrary() throws {
    var random = SeededRandom()
    for _ in 0..<2000 {
      let first = Int64.random(in: 0..<8_000_000_000, using: &random)
      let second = first + Int64.random(in: 0..<1_000_000, using: &random)
      let areOne =
        try CalendarUnit.week.period(of: #require(Timestamp(secondsSince1970: first)), in: .utc)
        == CalendarUnit.week.period(of: #require(Timestamp(secondsSince1970: second)), in: .utc)
      #expect(areOne == (isoWeek(first) == isoWeek(second)), "\(first), \(second), \(random)")
    }
  }

  private func isoWeek(_ seconds: Int64) -> String {
    var (moment, fields) = (time_t(seconds), tm())
    gmtime_r(&moment, &fields)
    var text = [CChar](repeating: 0, count: 32)
    let count = strftime(&text, text.count, "%G-%V", &fields)
    return String(decoding: text[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

@Suite struct CalendarSpanTests {
  @Test(
    "Spans are read back unchanged",
    arguments: [
      ("30d", "30d"), ("2w", "14d"), ("12h", "12h"), ("6m", "6m"), ("18m", "1y6m"), ("1y", "1y"),
      ("1y6m2w3d4h", "1y6m17d4h"), ("9999y", "9999y"),
    ])
  func readings(text: String, expected: String) throws {
    let span = try #require(CalendarSpan(text))
    #expect("\(span)" == expected)
    #expect(CalendarSpan("\(span)") == span)
  }

  @Test(
    "Invalid texts are refused",
    arguments: [
      "", "0d", "30", "d", "30 d", "-1d", "1h1d", "1d1d", "30s", "1.5d", "10001y", "4294967296d",
      "99999999999999999999h", "٣d",
    ])
  func refused(text: String) { #expect(CalendarSpan(text) == nil) }

  @Test(
    "The start of a span before a moment",
    arguments: [
      ("30d", "Europe/Berlin", "2026-04-10 03:00", "2026-03-11 03:00"),
      ("1d", "Europe/Berlin", "2026-03-29 12:00", "2026-03-28 12:00"),
      ("1d", "Europe/Berlin", "2026-10-25 12:00", "2026-10-24 12:00"),
      ("24h", "Europe/Berlin", "2026-03-29 12:00", "2026-03-28 11:00"),
      ("24h", "Europe/Berlin", "2026-10-25 12:00", "2026-10-24 13:00"),
      ("1m", "UTC", "2026-03-31 12:00", "2026-02-28 12:00"),
      ("1m", "UTC", "2028-03-31 12:00", "2028-02-29 12:00"),
      ("1m", "UTC", "2027-01-15 12:00", "2026-12-15 12:00"),
      ("1y", "UTC", "2028-02-29 12:00", "2027-02-28 12:00"),
      ("13m1d", "UTC", "2027-01-01 12:00", "2025-11-30 12:00"),
      ("1y", "America/New_York", "2026-07-04 00:30", "2025-07-04 00:30"),
    ])
  func beginnings(text: String, name: String, moment: String, start: String) throws {
    let zone = try TimeZone.zone(name)
    let span = try #require(CalendarSpan(text))
    let moment = try Moment.of(moment, in: zone) + .nanoseconds(123)
    #expect(
      span.start(before: moment, in: zone) == (try Moment.of(start, in: zone)) + .nanoseconds(123))
  }

  /// An hour that occurs twice counts twice.
  @Test func hoursAreHours() throws {
    let zone = try TimeZone.zone("Europe/Berlin")
    let span = try #require(CalendarSpan("1h"))
    let moment = try Moment.utc("2026-10-25 01:30")
    #expect(span.start(before: moment, in: zone) == (try Moment.utc("2026-10-25 00:30")))
  }

  @Test(arguments: ["400y", "9999y", "3000000d", "80000000h"])
  func whatNoMomentExpressesIsBeforeAll(text: String) throws {
    let span = try #require(CalendarSpan(text))
    #expect(span.start(before: try Moment.utc("2026-11-20 12:00"), in: .utc) < 0)
  }

  @Test func timesOver() throws {
    let span = try #require(CalendarSpan("1y2d3h"))
    #expect("\(span.times(9))" == "9y18d27h")
    #expect("\(span.times(.max))" == "10000y3660000d87840000h")
  }
}
