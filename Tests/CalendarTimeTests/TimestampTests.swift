import CalendarTime
import TestSupport
import Testing

@Suite struct TimestampTests {
  @Test("Seconds are rounded towards the past")
  func rounding() {
    let late = Timestamp(nanosecondsSince1970: 1_795_185_015_999_999_999)
    #expect(late.rfc3339 == "2026-11-20T14:30:15Z")
    #expect(late.withinSecond == .nanoseconds(999_999_999))
    let early = Timestamp(nanosecondsSince1970: -1)
    #expect(early.rfc3339 == "1969-12-31T23:59:59Z")
    #expect(early.withinSecond == .nanoseconds(999_999_999))
  }

  @Test("A moment that cannot be expressed is nil, or becomes the last possible moment")
  func limits() {
    #expect(Timestamp(secondsSince1970: 9_223_372_036)?.rfc3339 == "2262-04-11T23:47:16Z")
    #expect(Timestamp(secondsSince1970: 9_223_372_037) == nil)
    #expect(Timestamp(secondsSince1970: -9_223_372_037) == nil)
    #expect(Timestamp(secondsSince1970: .max) == nil)
    for distance in [Duration.nanoseconds(1), .seconds(1), .seconds(Int64.max)] {
      #expect(Timestamp.latest + distance == .latest)
      #expect(Timestamp.earliest - distance == .earliest)
    }
    #expect(Timestamp.latest + .nanoseconds(-1) < .latest)
    #expect(Timestamp.earliest - .nanoseconds(-1) > .earliest)
  }

  @Test("A moment plus the distance to another moment is that other moment")
  func distances() {
    var random = SeededRandom()
    for _ in 0..<1000 {
      let first = Timestamp(nanosecondsSince1970: .random(in: .min ... .max, using: &random))
      let second = Timestamp(nanosecondsSince1970: .random(in: .min ... .max, using: &random))
      #expect(first + (second - first) == second, "\(random)")
      #expect(first < second || second <= first, "\(random)")
    }
    #expect(Timestamp.earliest + (.latest - .earliest) == .latest)
  }

  @Test("The current moment is the time on the clock")
  func clock() throws {
    let seconds = try #require(try Int64(Command.run("date", "+%s")))
    #expect(abs(Timestamp.now().secondsSince1970 - seconds) <= 60)
  }
}
