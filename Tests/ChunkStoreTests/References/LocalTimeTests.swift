import ChunkFormat
import Testing

@testable import ChunkStore

@Suite struct LocalTimeTests {
  @Test(
    "what the clock shows",
    arguments: [
      ("Europe/Berlin", "2026-11-20T12:00:00", "2026-11-20 13:00:00"),
      ("Europe/Berlin", "2026-07-20T12:00:00", "2026-07-20 14:00:00"),
      ("Europe/Berlin", "2026-10-25T00:59:59", "2026-10-25 02:59:59"),
      ("Europe/Berlin", "2026-10-25T01:00:00", "2026-10-25 02:00:00"),
      // After the last change that the database lists, by its rule.
      ("Europe/Berlin", "2060-07-20T12:00:00", "2060-07-20 14:00:00"),
      ("America/New_York", "2026-11-20T12:00:00", "2026-11-20 07:00:00"),
      ("Asia/Kathmandu", "2026-11-20T12:00:00", "2026-11-20 17:45:00"),
      ("UTC", "2026-11-20T12:00:00", "2026-11-20 12:00:00"),
    ])
  func shows(name: String, utc: String, local: String) throws {
    let zone = try #require(LocalTime.named(name))
    let moment =
      try #require(
        TimeExpression(utc + "Z")?.lastMoment(in: .fixed(offsetSeconds: 0))) - 999_999_999
    #expect(zone.text(of: moment) == local)
    if !local.hasPrefix("2026-10-25") { #expect(zone.moment(of: zone.time(of: moment)) == moment) }
  }

  @Test(
    "names that are none",
    arguments: [
      "", "Europe", "Europe/Berln", "../etc/passwd", "Europe/../Europe/Berlin", "/etc/localtime",
      "Europe//Berlin", "zone.tab", "CET-1CEST", "./UTC",
    ])
  func unknown(name: String) { #expect(LocalTime.named(name) == nil) }

  /// The C library has one zone at a time; nobody gets another's.
  @Test func zonesDoNotMix() throws {
    let names = ["Europe/Berlin", "Asia/Kathmandu", "America/New_York", "Pacific/Kiritimati"]
    let moment: Nanoseconds = 1_795_185_015_000_000_000
    let expected = ["15:30:15", "20:15:15", "09:30:15", "04:30:15"]
    let local = LocalTime.system.text(of: moment)
    try concurrently(4) { number in
      let zone = try #require(LocalTime.named(names[number]))
      for _ in 0..<200 {
        #expect(zone.text(of: moment).hasSuffix(expected[number]))
        #expect(LocalTime.system.text(of: moment) == local)
      }
    }
  }

  @Test func momentsThatCannotBeExpressedAreNone() {
    let late = CivilTime(year: 2400, month: 1, day: 1)
    #expect(LocalTime.fixed(offsetSeconds: 0).moment(of: late) == nil)
  }
}
