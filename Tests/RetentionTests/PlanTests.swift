import CalendarTime
import ChunkFormat
import Testing

@testable import ChunkStore
@testable import Retention

/// Revisions that stay whatever the rules are, and revisions that the rules do not count.
@Suite struct PlanTests {
  private func plan(
    _ history: JobHistory, _ rules: RetentionRule..., now: String = "2026-11-20 12:00",
    users: [RevisionID: [String]] = [:]
  ) throws -> RetentionPlan {
    RetentionPlan(
      of: "web01", history: history.entries, policy: RetentionPolicy(rules: rules), in: .utc,
      now: try Moment.utc(now), users: users)
  }

  private func days(_ plan: RetentionPlan) -> [String] {
    plan.verdicts.filter(\.stays).map {
      String(TimeZone.utc.text(of: $0.entry.revision.created).prefix(10))
    }
  }

  private func reasons(_ plan: RetentionPlan, of id: RevisionID) -> [StayReason] {
    plan.verdicts.first { $0.entry.id == id }?.reasons ?? []
  }

  // MARK: - Distrust

  @Test func theNewestUsableRevisionIsKept() throws {
    var history = JobHistory()
    let good = try history.add("2020-01-01 01:00")
    try history.add("2026-11-18 01:00", trust: .distrusted)
    try history.add("2026-11-19 01:00", trust: .distrusted)
    let plan = try plan(history, .tagged("none"))
    #expect(days(plan) == ["2020-01-01"])
    #expect(reasons(plan, of: good) == [.newestUsable])
  }

  /// An unusual revision is not the one that every job keeps, as long as there is another one.
  @Test func unusualRevisionsTakeNoPlace() throws {
    var history = JobHistory()
    let real = try history.add("2026-11-17 01:00", trust: .verified)
    try history.add("2026-11-18 01:00", trust: .verified, isUnusual: true)
    try history.add("2026-11-19 01:00", trust: .verified, isUnusual: true)
    #expect(days(try plan(history, .tagged("none"))) == ["2026-11-17"])
    #expect(reasons(try plan(history, .tagged("none")), of: real) == [.newestUsable])
    let last = try plan(history, .newest(count: 1))
    #expect(last.verdicts.map(\.stays) == [true, false, true])
  }

  @Test func theNewestDistrustedRevisionIsKept() throws {
    var history = JobHistory()
    try history.add("2026-11-18 01:00", trust: .distrusted)
    let newest = try history.add("2026-11-19 01:00", trust: .distrusted)
    let plan = try plan(history, .tagged("none"))
    #expect(plan.going.count == 1)
    #expect(reasons(plan, of: newest) == [.newest])
  }

  /// The newest of the day is distrusted, so the one before it is kept for the day.
  @Test func aUsableRevisionTakesThePlace() throws {
    var history = JobHistory()
    try history.add("2026-11-17 01:00")
    try history.add("2026-11-18 01:00")
    try history.add("2026-11-18 13:00", trust: .distrusted)
    try history.add("2026-11-19 01:00", trust: .verified)
    let plan = try plan(history, .calendar(.day, count: 3))
    #expect(plan.verdicts.map(\.stays) == [true, true, false, true])
  }

  /// Days with only distrusted revisions are not counted. Their revisions stay as long as usable
  /// ones would stay.
  @Test func distrustedRevisionsTakeNoPlace() throws {
    var history = JobHistory()
    for day in 10...15 { try history.add("2026-11-\(day) 01:00") }
    for day in 16...19 { try history.add("2026-11-\(day) 01:00", trust: .distrusted) }
    #expect(
      days(try plan(history, .calendar(.day, count: 3)))
        == (13...19).filter { $0 != 16 }.map { "2026-11-\($0)" })
    #expect(
      days(try plan(history, .newest(count: 2)))
        == [14, 15, 18, 19].map { "2026-11-\($0)" })
  }

  @Test func withinIsCountedFromTheNewestUsableRevision() throws {
    var history = JobHistory()
    try history.add("2026-08-01 01:00")
    try history.add("2026-08-20 01:00")
    try history.add("2026-11-19 01:00", trust: .distrusted)
    #expect(
      days(try plan(history, .within(try #require(CalendarSpan("30d"))))).count == 3)
  }

  // MARK: - Protection and use

  @Test func protectedRevisionsAreKeptAndTakeTheirPlaces() throws {
    var history = JobHistory()
    let old = try history.add("2020-01-01 01:00", isProtected: true)
    try history.add("2026-11-18 01:00")
    let newest = try history.add("2026-11-19 01:00", isProtected: true)
    let plan = try plan(history, .newest(count: 1))
    #expect(reasons(plan, of: old) == [.protected])
    #expect(
      reasons(plan, of: newest)
        == [.slot(.newest(count: 1), number: 1), .newestUsable, .protected])
    #expect(plan.going.count == 1)
  }

  /// If the marks cannot be read, the revision may be protected.
  @Test func unreadableMarksKeepTheirRevision() throws {
    var history = JobHistory()
    let id = try history.addDamaged("2020-01-01 01:00")
    try history.add("2026-11-19 01:00")
    #expect(reasons(try plan(history, .newest(count: 1)), of: id) == [.unreadableMarks])
  }

  @Test func revisionsInUseAreKept() throws {
    var history = JobHistory()
    let id = try history.add("2020-01-01 01:00")
    try history.add("2026-11-19 01:00")
    let used = try plan(history, .newest(count: 1), users: [id: ["mount", "serve"]])
    #expect(reasons(used, of: id) == [.inUse(by: "mount"), .inUse(by: "serve")])
    #expect(try plan(history, .newest(count: 1)).going.map(\.id) == [id])
  }

  // MARK: - Clocks

  @Test func futureRevisionsAreKeptAndTakeNoPlace() throws {
    let history = try JobHistory([
      "2026-11-17 01:00", "2026-11-18 01:00", "2026-11-19 01:00", "2026-11-21 01:00",
      "2040-01-01 01:00",
    ])
    let plan = try plan(history, .newest(count: 2))
    #expect(plan.verdicts.map(\.stays) == [false, true, true, true, true])
    #expect(plan.verdicts[4].reasons == [.future])
    #expect(plan.verdicts[2].reasons.contains(.newestUsable))
  }

  /// The pruning machine's clock was reset: all revisions are in the future.
  @Test func aClockThatWasSetBackDeletesNothing() throws {
    let history = try JobHistory((1...9).map { "2026-11-0\($0) 01:00" })
    #expect(try plan(history, .newest(count: 1), now: "2000-01-01 00:00").going.isEmpty)
  }

  /// The pruning machine's clock is years ahead: still nothing more is deleted.
  @Test func aClockThatIsAheadDeletesNothingMore() throws {
    let history = try JobHistory((1...9).map { "2026-11-0\($0) 01:00" })
    for rule in [
      .within(try #require(CalendarSpan("5d"))), .calendar(.day, count: 5), .newest(count: 5),
    ] as [RetentionRule] {
      let today = try plan(history, rule)
      let ahead = try plan(history, rule, now: "2060-01-01 00:00")
      #expect(today.going.map(\.id) == ahead.going.map(\.id))
      #expect(today.going.count >= 3)
    }
  }

  /// The clock of the backed-up machine showed the year 2000 for two nights.
  @Test func revisionsOfAClockThatWasBehindStayWithTheirParent() throws {
    var history = JobHistory()
    let first = try history.add("2026-11-17 01:00")
    let parent = try history.add("2026-11-18 01:00", parent: first)
    let behind = try history.add("2000-01-01 00:10", parent: parent)
    let again = try history.add("2000-01-02 00:10", parent: parent)
    let newest = try history.add("2026-11-19 01:00", parent: parent)
    let kept = try plan(history, .newest(count: 2))
    #expect(kept.going.map(\.id) == [first])
    for id in [behind, again] { #expect(reasons(kept, of: id) == [.madeAfter(parent)]) }
    // The parent is deleted, so nothing else shows that their times are wrong.
    let later = try plan(history, .newest(count: 1))
    #expect(Set(later.going.map(\.id)) == [first, parent, behind, again])
    #expect(reasons(later, of: newest).contains(.newestUsable))
  }

  /// All later revisions have a parent from 2040. This does not show that their own times are
  /// wrong.
  @Test func aParentInTheFutureKeepsNothing() throws {
    var history = JobHistory()
    let wrong = try history.add("2040-01-01 01:00")
    for day in 10...19 { try history.add("2026-11-\(day) 01:00", parent: wrong) }
    #expect(try plan(history, .newest(count: 4)).going.count == 6)
  }

  @Test func aChainOfClocksThatWereBehind() throws {
    var history = JobHistory()
    let parent = try history.add("2026-11-18 01:00")
    let child = try history.add("2010-01-01 00:10", parent: parent)
    let grandchild = try history.add("2000-01-02 00:10", parent: child)
    let kept = try plan(history, .newest(count: 1))
    #expect(kept.going.isEmpty)
    #expect(reasons(kept, of: grandchild) == [.madeAfter(child)])
    try history.add("2026-11-19 01:00")
    let later = try plan(history, .newest(count: 1))
    #expect(Set(later.going.map(\.id)) == [parent, child, grandchild])
  }

  // MARK: - Shares and orphans

  @Test func anUnusualShareIsNoticed() throws {
    let few = try JobHistory((1...6).map { "2026-11-0\($0) 01:00" })
    #expect(try !plan(few, .newest(count: 1)).isUnusual, "five go")
    let seven = try JobHistory((1...7).map { "2026-11-0\($0) 01:00" })
    #expect(try plan(seven, .newest(count: 1)).isUnusual, "six of seven go")
    let many = try JobHistory((10...29).map { "2026-10-\($0) 01:00" })
    #expect(try !plan(many, .newest(count: 10)).isUnusual, "half of them go")
    #expect(try plan(many, .newest(count: 9)).isUnusual)
  }

  @Test func orphans() throws {
    let histories = [
      "old": try JobHistory(["2020-01-01 01:00", "2026-08-22 11:59"]).entries,
      "border": try JobHistory(["2026-08-22 12:00"]).entries,
      "future": try JobHistory(["2020-01-01 01:00", "2040-01-01 01:00"]).entries,
      "ancient": try JobHistory(["1999-01-01 01:00"]).entries,
    ]
    let found = OrphanedJob.among(
      histories, after: try #require(CalendarSpan("90d")), in: .utc,
      now: try Moment.utc("2026-11-20 12:00"))
    #expect(found.map(\.job) == ["ancient", "old"])
  }

  @Test func anOrphanIsDeletedExceptWhatIsHeld() throws {
    var history = JobHistory()
    let held = try history.add("2020-01-01 01:00", isProtected: true)
    let used = try history.add("2020-01-02 01:00")
    try history.add("2020-01-03 01:00")
    let plan = RetentionPlan(
      forgetting: "web01", history: history.entries, users: [used: ["serve"]])
    #expect(plan.verdicts.filter(\.stays).map(\.entry.id) == [held, used])
  }
}
