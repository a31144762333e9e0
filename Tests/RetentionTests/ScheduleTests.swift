import CalendarTime
import ChunkFormat
import TestSupport
import Testing

@testable import ChunkStore
@testable import Retention

/// backy's schedules. A schedule keeps a number of the newest revisions with its tag, and all
/// revisions with the tag that are no older than that number of intervals. A revision is deleted
/// when no schedule keeps it for any of its tags.
@Suite struct ScheduleTests {
  private static let day = Duration.seconds(86_400)

  /// A revision with the tags that no schedule has removed yet.
  private struct Held {
    let created: Timestamp
    var tags: Set<String>
  }

  /// Does the same as backy's expiry: removes tags, and a revision that has no tag left.
  private func expire(
    _ held: inout [Held], _ schedules: [(tag: String, days: Int, keep: Int)], now: Timestamp
  ) {
    for (tag, days, keep) in schedules {
      let tagged = held.indices.filter { held[$0].tags.contains(tag) }
      for index in tagged.dropLast(keep)
      where held[index].created < now - Self.day * (keep * days) {
        held[index].tags.remove(tag)
      }
    }
    held.removeAll(where: \.tags.isEmpty)
  }

  /// Two hundred nights, some without a backup, with pruning after each: both keep the same
  /// revisions.
  @Test func keepWhatBackyKeeps() throws {
    let schedules = [(tag: "daily", days: 1, keep: 9), (tag: "weekly", days: 7, keep: 5)]
    let policy = RetentionPolicy(
      rules: try schedules.map {
        .schedule(
          tag: $0.tag, interval: try #require(CalendarSpan(days: UInt32($0.days))),
          count: UInt32($0.keep))
      })
    var (history, held): (JobHistory, [Held]) = (JobHistory(), [])
    var random = SeededRandom()
    let start = try Moment.utc("2026-01-01 01:30")
    for night in 0..<200 where Int.random(in: 0..<10, using: &random) > 1 {
      let now = start + Self.day * night
      let tags = night % 7 == 0 ? ["daily", "weekly"] : ["daily"]
      try history.add(at: now, tags: tags)
      held.append(Held(created: now, tags: Set(tags)))
      expire(&held, schedules, now: now)
      let plan = RetentionPlan(
        of: "web01", history: history.entries, policy: policy, in: .utc, now: now, users: [:])
      history.remove(plan.going.map(\.id))
      #expect(history.entries.map(\.revision.created) == held.map(\.created), "\(random)")
    }
    #expect(Set(held.flatMap(\.tags)) == ["daily", "weekly"])
  }

  /// A revision is kept by no schedule if no schedule names its tags.
  @Test func otherTagsDoNotCount() throws {
    var history = JobHistory()
    try history.add("2026-11-01 01:00", tags: ["manual"])
    try history.add("2026-11-02 01:00", tags: ["daily"])
    try history.add("2026-11-03 01:00")
    try history.add("2026-11-04 01:00", tags: ["daily"])
    let plan = RetentionPlan(
      of: "web01", history: history.entries,
      policy: RetentionPolicy(
        rules: [
          .schedule(tag: "daily", interval: try #require(CalendarSpan("1d")), count: 2)
        ]), in: .utc, now: try Moment.utc("2026-11-20 12:00"), users: [:])
    #expect(plan.verdicts.map(\.stays) == [false, true, false, true])
  }
}
