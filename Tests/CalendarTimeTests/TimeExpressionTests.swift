import CalendarTime
import Testing

@Suite struct TimeExpressionTests {
  private let oneHourEast = TimeZone.fixed(offsetSeconds: 3600)

  @Test(
    "the last nanosecond of what was written",
    arguments: [
      ("2026-11-20", "2026-11-20T22:59:59Z"),
      ("2024-02-29", "2024-02-29T22:59:59Z"),
      ("2026-11-20T14:30", "2026-11-20T13:30:59Z"),
      ("2026-11-20 14:30", "2026-11-20T13:30:59Z"),
      ("2026-11-20T14:30:15", "2026-11-20T13:30:15Z"),
      ("2026-11-20T14:30:15.25", "2026-11-20T13:30:15Z"),
      ("2026-11-20T14:30Z", "2026-11-20T14:30:59Z"),
      ("2026-11-20t14:30:15z", "2026-11-20T14:30:15Z"),
      ("2026-11-20T14:30:15-05:30", "2026-11-20T20:00:15Z"),
      ("2026-12-31T23:59+02:00", "2026-12-31T21:59:59Z"),
      ("1970-01-01T01:00:00", "1970-01-01T00:00:00Z"),
      ("2261-12-31", "2261-12-31T22:59:59Z"),
    ])
  func meaning(text: String, end: String) throws {
    let expression = try #require(TimeExpression(text))
    let moment = try #require(expression.lastMoment(in: oneHourEast))
    #expect(moment.rfc3339 == end)
    #expect(moment.withinSecond == .nanoseconds(999_999_999))
  }

  /// Clocks are set back at 03:00. Without that, a time that was copied from a list would miss its revision.
  @Test(
    "of a time that comes twice, the last",
    arguments: [
      ("2026-10-25T02:30", "2026-10-25T01:30:59Z"), ("2026-10-25T01:59", "2026-10-24T23:59:59Z"),
      ("2026-10-25", "2026-10-25T22:59:59Z"), ("2026-03-28", "2026-03-28T22:59:59Z"),
    ])
  func twice(text: String, end: String) throws {
    let berlin = try #require(TimeZone.named("Europe/Berlin"))
    let expression = try #require(TimeExpression(text))
    #expect(expression.lastMoment(in: berlin)?.rfc3339 == end)
  }

  @Test(
    "the first nanosecond of what was written",
    arguments: [
      ("2026-11-20", "2026-11-19T23:00:00Z"), ("2026-11-20T14:30", "2026-11-20T13:30:00Z"),
      ("2026-11-20T14:30:15Z", "2026-11-20T14:30:15Z"),
    ])
  func beginning(text: String, start: String) throws {
    let expression = try #require(TimeExpression(text))
    let moment = try #require(expression.firstMoment(in: oneHourEast))
    #expect(moment.rfc3339 == start)
    #expect(moment.withinSecond == .zero)
  }

  @Test(
    "what no calendar has",
    arguments: [
      "2026-02-29", "2026-13-01", "2026-00-10", "2026-11-31", "2026-11-00", "2026-11-20T24:00",
      "2026-11-20T14:60", "2026-11-20T14:30:60", "1969-12-31", "2262-01-01",
    ])
  func impossible(text: String) { #expect(TimeExpression(text) == nil) }

  @Test(
    "what is written otherwise",
    arguments: [
      "", "2026", "2026-11", "20261120", "2026-1-2", "2026-11-20T", "2026-11-20T14",
      "2026-11-20Z", "2026-11-20T14:30+1", "2026-11-20T14:30+25:00", " 2026-11-20",
      "2026-11-20T14:30:15Z0", "٢٠٢٦-11-20", "yesterday",
    ])
  func malformed(text: String) { #expect(TimeExpression(text) == nil) }
}
