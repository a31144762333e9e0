import CalendarTime
import ChunkFormat
import TestSupport
import Testing

@testable import ChunkStore
@testable import Retention

/// Properties of all histories and policies, tested with random ones.
@Suite struct PropertyTests {
  private static let rounds: Int = 300 * longTestFactor

  /// A history, a policy, and the time and time zone of the pruning. The history has days without
  /// backups and days with several backups, distrusted and protected revisions, and clocks that
  /// jump.
  private struct Case {
    var history: JobHistory
    let policy: RetentionPolicy
    let zone: TimeZone
    var now: Timestamp
  }

  private static func makeCase(_ random: inout SeededRandom, isOrderly: Bool = false) throws -> Case
  {
    let start = try Moment.utc("2024-06-01 00:00")
    let hour = Duration.seconds(3600)
    var history = JobHistory()
    var (now, parent): (Timestamp, RevisionID?) = (start, nil)
    for _ in 0..<Int.random(in: 1..<60, using: &random) {
      now = now + hour * [1, 3, 24, 24, 24, 24 * 7, 24 * 40].randomElement(using: &random)!
      let jump = isOrderly ? 0 : Int.random(in: 0..<20, using: &random)
      let created =
        jump == 1 ? now - hour * (24 * 400) : jump == 2 ? now + hour * (24 * 400) : now
      parent = try history.add(
        at: created, tags: Bool.random(using: &random) ? ["daily"] : [],
        trust: [.trusted, .trusted, .verified, .distrusted].randomElement(using: &random)!,
        isProtected: !isOrderly && Int.random(in: 0..<15, using: &random) == 0, parent: parent)
    }
    let zones = try [
      "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia",
    ].map(TimeZone.zone)
    return Case(
      history: history, policy: RetentionPolicy(rules: try rules(&random)),
      zone: zones.randomElement(using: &random)!, now: now + hour)
  }

  private static func rules(_ random: inout SeededRandom) throws -> [RetentionRule] {
    let count = UInt32.random(in: 1..<8, using: &random)
    let all: [RetentionRule] =
      CalendarUnit.allCases.map { .calendar($0, count: count) } + [
        .newest(count: count), .within(try #require(CalendarSpan(days: count * 5))),
        .tagged("daily"),
        .schedule(tag: "daily", interval: try #require(CalendarSpan("1d")), count: count),
      ]
    return Array(all.shuffled(using: &random).prefix(Int.random(in: 1..<4, using: &random)))
  }

  private static func plan(_ drawn: Case) -> RetentionPlan {
    RetentionPlan(
      of: "web01", history: drawn.history.entries, policy: drawn.policy, in: drawn.zone,
      now: drawn.now, users: [:])
  }

  private func always(
    isOrderly: Bool = false, _ check: (Case, RetentionPlan, SeededRandom) throws -> Void
  ) throws {
    var random = SeededRandom()
    let seed = random
    for _ in 0..<Self.rounds {
      let drawn = try Self.makeCase(&random, isOrderly: isOrderly)
      try check(drawn, Self.plan(drawn), seed)
    }
  }

  @Test func aUsableRevisionIsLeft() throws {
    try always { drawn, plan, seed in
      let (before, after) = (drawn.history.entries, plan.verdicts.filter(\.stays).map(\.entry))
      #expect(!after.isEmpty, "\(seed)")
      #expect(before.contains(where: \.isUsable) == after.contains(where: \.isUsable), "\(seed)")
      let past = before.filter { $0.isUsable && $0.revision.created <= drawn.now }
      // The last usable revision that is not in the future is kept.
      if let newest = past.last { #expect(after.contains { $0.id == newest.id }, "\(seed)") }
    }
  }

  @Test func protectedAndFutureRevisionsAreKept() throws {
    try always { drawn, plan, seed in
      for entry in plan.going {
        #expect(!entry.marks.isProtected && entry.revision.created <= drawn.now, "\(seed)")
      }
    }
  }

  /// A policy that is applied twice deletes nothing the second time.
  @Test func pruningTwiceDeletesNothingMore() throws {
    try always { drawn, plan, seed in
      var pruned = drawn
      pruned.history.remove(plan.going.map(\.id))
      #expect(Self.plan(pruned).going.isEmpty, "\(seed), \(drawn.policy)")
    }
  }

  /// A policy with more rules keeps at least the same revisions.
  @Test func anotherRuleDeletesNothingMore() throws {
    try always { drawn, plan, seed in
      let fewer = Case(
        history: drawn.history, policy: RetentionPolicy(rules: [drawn.policy.rules[0]]),
        zone: drawn.zone, now: drawn.now)
      // A parent that stays also keeps revisions that were made with a clock that was behind.
      #expect(Set(plan.going.map(\.id)).isSubset(of: Self.plan(fewer).going.map(\.id)), "\(seed)")
    }
  }

  /// After the next backup, each rule drops at most one revision: the oldest one that it kept, or
  /// the earlier one in the period of the new backup.
  @Test func anotherBackupDeletesAtMostOneRevisionPerRule() throws {
    try always(isOrderly: true) { drawn, plan, seed in
      var pruned = drawn
      pruned.history.remove(plan.going.map(\.id))
      try pruned.history.add(at: drawn.now + .nanoseconds(1))
      pruned.now = pruned.now + .nanoseconds(2)
      let places = drawn.policy.rules.filter { rule in
        switch rule {
        case .newest, .calendar: true
        case .within, .tagged, .schedule: false
        }
      }
      guard places.count == drawn.policy.rules.count else { return }
      // Many distrusted revisions may be deleted at once, so they do not count here.
      let going = Self.plan(pruned).going.filter(\.isUsable)
      #expect(going.count <= places.count + 1, "\(seed), \(drawn.policy)")
    }
  }

  /// A backup in this year does not change which revisions of earlier years are kept.
  @Test func earlierYearsDoNotDependOnThisOne() throws {
    var random = SeededRandom()
    for _ in 0..<Self.rounds {
      var drawn = try Self.makeCase(&random, isOrderly: true)
      drawn = Case(
        history: drawn.history, policy: RetentionPolicy(rules: [.calendar(.year, count: 3)]),
        zone: .utc, now: drawn.now)
      guard let newest = drawn.history.entries.last(where: \.isUsable) else { continue }
      let year = CalendarUnit.year.period(of: newest.revision.created, in: .utc)
      func earlier(_ drawn: Case) -> [RevisionID] {
        Self.plan(drawn).verdicts.filter(\.stays).map(\.entry).filter {
          $0.isUsable && CalendarUnit.year.period(of: $0.revision.created, in: .utc) < year
        }.map(\.id)
      }
      let before = earlier(drawn)
      try drawn.history.add(at: newest.revision.created + .nanoseconds(1))
      #expect(earlier(drawn) == before, "\(random)")
    }
  }

  /// If a revision cannot be read or is not listed, no other revision is deleted because of that.
  @Test func oneRevisionLessDeletesNothingMore() throws {
    var random = SeededRandom()
    for _ in 0..<Self.rounds {
      var drawn = try Self.makeCase(&random, isOrderly: true)
      let going = Set(Self.plan(drawn).going.map(\.id))
      guard let missing = drawn.history.entries.randomElement(using: &random) else { continue }
      drawn.history.remove([missing.id])
      #expect(Set(Self.plan(drawn).going.map(\.id)).isSubset(of: going), "\(random)")
    }
  }
}
