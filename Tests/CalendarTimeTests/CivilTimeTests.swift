import CalendarTime
import Glibc
import TestSupport
import Testing

@Suite struct CivilTimeTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00"), (-1, "1969-12-31T23:59:59"), (951_782_400, "2000-02-29T00:00:00"),
      (951_868_800, "2000-03-01T00:00:00"), (4_107_542_400, "2100-03-01T00:00:00"),
      (1_795_185_015, "2026-11-20T14:30:15"), (-62_135_596_800, "0001-01-01T00:00:00"),
    ] as [(Int64, String)])
  func knownMoments(seconds: Int64, text: String) {
    let time = CivilTime(secondsSince1970: seconds)
    #expect(time.text == text)
    #expect(time.secondsSince1970 == seconds)
  }

  @Test func agreesWithTheCLibrary() {
    var random = SeededRandom()
    for _ in 0..<2000 {
      let seconds = Int64.random(in: -10_000_000_000...10_000_000_000, using: &random)
      var moment = time_t(seconds)
      var fields = tm()
      gmtime_r(&moment, &fields)
      let expected = CivilTime(
        year: Int(fields.tm_year) + 1900, month: Int(fields.tm_mon) + 1, day: Int(fields.tm_mday),
        hour: Int(fields.tm_hour), minute: Int(fields.tm_min), second: Int(fields.tm_sec))
      #expect(CivilTime(secondsSince1970: seconds) == expected, "\(random)")
      #expect(expected.secondsSince1970 == seconds, "\(random)")
    }
  }
}
