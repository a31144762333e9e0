import CalendarTime
import ChunkFormat
import Testing

@testable import ChunkStore
@testable import Retention

/// The revisions that each rule keeps.
@Suite struct RuleTests {
  private static let now = "2026-11-20 12:00"

  /// The times of the revisions that stay. Leaves out a revision that stays only because it is the
  /// newest usable one.
  private func kept(
    _ history: JobHistory, by rules: RetentionRule..., zone: TimeZone = .utc
  ) throws -> [String] {
    try plan(history, rules, zone: zone).verdicts
      .filter { !$0.reasons.allSatisfy { $0 == .newestUsable } }
      .map { String(zone.text(of: $0.entry.revision.created).dropLast(3)) }
  }

  private func plan(
    _ history: JobHistory, _ rules: [RetentionRule], zone: TimeZone = .utc
  ) throws -> RetentionPlan {
    RetentionPlan(
      of: "web01", history: history.entries, policy: RetentionPolicy(rules: rules), in: zone,
      now: try Moment.of(Self.now, in: zone), users: [:])
  }

  private func span(_ text: String) throws -> CalendarSpan { try #require(CalendarSpan(text)) }

  @Test func last() throws {
    let history = try JobHistory(["2024-01-01 01:00", "2026-11-18 01:00", "2026-11-18 02:00"])
    #expect(try kept(history, by: .newest(count: 2)) == ["2026-11-18 01:00", "2026-11-18 02:00"])
    #expect(try kept(history, by: .newest(count: 9)).count == 3)
  }

  /// The newest revision of each day is kept. Days without revisions are not counted.
  @Test func daily() throws {
    let history = try JobHistory([
      "2026-10-01 01:00", "2026-10-01 23:00", "2026-11-17 23:59", "2026-11-18 00:00",
      "2026-11-18 12:00", "2026-11-19 01:00",
    ])
    #expect(
      try kept(history, by: .calendar(.day, count: 4))
        == ["2026-10-01 23:00", "2026-11-17 23:59", "2026-11-18 12:00", "2026-11-19 01:00"])
    #expect(
      try kept(history, by: .calendar(.day, count: 2)) == ["2026-11-18 12:00", "2026-11-19 01:00"])
  }

  /// Days begin at midnight in the policy's time zone, not in the zone of the machine that prunes.
  @Test func daysBeginInTheTimeZone() throws {
    let history = try JobHistory(["2026-11-18 22:30", "2026-11-18 23:30", "2026-11-19 22:30"])
    #expect(
      try kept(history, by: .calendar(.day, count: 9)) == ["2026-11-18 23:30", "2026-11-19 22:30"])
    let berlin = try TimeZone.zone("Europe/Berlin")
    #expect(
      try kept(history, by: .calendar(.day, count: 9), zone: berlin)
        == ["2026-11-18 23:30", "2026-11-19 23:30"])
  }

  /// Backups every hour through a night in which clocks are set back or forward: no hour is lost,
  /// and no hour is kept twice.
  @Test(arguments: ["2026-10-24 20:30", "2026-03-28 20:30"])
  func hourlyThroughTheNight(start: String) throws {
    let berlin = try TimeZone.zone("Europe/Berlin")
    var history = JobHistory()
    for hour in 0..<10 {
      let moment = try Moment.utc(start) + .seconds(hour * 3600)
      try history.add(at: moment)
      try history.add(at: moment + .seconds(60))
    }
    #expect(try kept(history, by: .calendar(.hour, count: 99), zone: berlin).count == 10)
    #expect(try kept(history, by: .calendar(.day, count: 99), zone: berlin).count == 2)
  }

  @Test func weekly() throws {
    let history = try JobHistory([
      "2026-10-25 01:00", "2026-10-26 01:00", "2026-11-01 23:00", "2026-11-02 00:00",
      "2026-11-16 01:00", "2026-11-17 01:00",
    ])
    #expect(
      try kept(history, by: .calendar(.week, count: 3))
        == ["2026-11-01 23:00", "2026-11-02 00:00", "2026-11-17 01:00"])
  }

  /// The week that contains New Year is one week in two years.
  @Test func yearEnds() throws {
    let history = try JobHistory([
      "2025-06-01 01:00", "2025-12-29 01:00", "2025-12-31 23:00", "2026-01-01 01:00",
      "2026-01-04 01:00",
    ])
    #expect(try kept(history, by: .calendar(.week, count: 1)) == ["2026-01-04 01:00"])
    #expect(
      try kept(history, by: .calendar(.year, count: 5)) == ["2025-12-31 23:00", "2026-01-04 01:00"])
    #expect(
      try kept(history, by: .calendar(.month, count: 2))
        == ["2025-12-31 23:00", "2026-01-04 01:00"])
  }

  @Test func monthlyWithLeapDay() throws {
    let history = try JobHistory([
      "2024-01-31 01:00", "2024-02-28 01:00", "2024-02-29 01:00", "2024-03-01 01:00",
    ])
    #expect(
      try kept(history, by: .calendar(.month, count: 12))
        == ["2024-01-31 01:00", "2024-02-29 01:00", "2024-03-01 01:00"])
  }

  /// The span is counted back from the newest revision, not from now: a machine that was switched
  /// off keeps its history.
  @Test func within() throws {
    let history = try JobHistory([
      "2026-05-01 00:59", "2026-05-01 01:00", "2026-05-10 02:00", "2026-05-31 01:00",
    ])
    #expect(
      try kept(history, by: .within(span("30d")))
        == ["2026-05-01 01:00", "2026-05-10 02:00", "2026-05-31 01:00"])
  }

  @Test func tags() throws {
    var history = try JobHistory(["2026-11-01 01:00", "2026-11-19 01:00"])
    try history.add("2020-01-01 01:00", tags: ["golden"])
    try history.add("2021-01-01 01:00", tags: ["golden", "other"])
    try history.add("2022-01-01 01:00", tags: ["other"])
    #expect(
      try kept(history, by: .tagged("golden")) == ["2020-01-01 01:00", "2021-01-01 01:00"])
  }

  @Test func aUnionOfAllRules() throws {
    var history = try JobHistory((1...20).map { "2026-11-\($0 < 10 ? "0" : "")\($0) 01:00" })
    try history.add("2026-09-30 01:00")
    let plan = try plan(
      history,
      [.calendar(.day, count: 3), .calendar(.week, count: 2), .calendar(.month, count: 2)])
    let reasons = plan.verdicts.filter(\.stays).map { $0.reasons.map(\.description) }
    #expect(
      reasons == [
        ["monthly 2 of 2"], ["weekly 2 of 2"], ["daily 3 of 3"], ["daily 2 of 3"],
        ["daily 1 of 3", "weekly 1 of 2", "monthly 1 of 2", "newest usable revision"],
      ])
  }

  @Test func reasonsAreReadable() throws {
    var history = JobHistory()
    try history.add("2026-11-19 01:00", tags: ["daily"])
    let reasons = try plan(
      history,
      [
        .newest(count: 3), .within(span("30d")), .tagged("daily"),
        .schedule(tag: "daily", interval: span("1d"), count: 9),
      ]
    ).verdicts[0].reasons.map(\.description)
    #expect(
      reasons == [
        "last 1 of 3", "within 30d", "tag daily", "schedule daily 1 of 9",
        "schedule daily, within 9 × 1d", "newest usable revision",
      ])
  }
}
