import ChunkFormat
import Testing

@testable import Administration

@Suite("The policy that holds for a job")
struct AppliedPolicyTests {
  private let stored = RetentionPolicies(
    standard: RetentionPolicy(rules: [.newest(count: 1)], timeZone: "Asia/Kathmandu"),
    jobs: ["web01": RetentionPolicy(rules: [.newest(count: 2)])])

  private func applied(
    _ job: String, _ rule: RetentionRule? = nil, timeZone: String? = nil
  ) throws -> AppliedPolicy? {
    try AppliedPolicy(
      for: job, request: rule.map { RetentionPolicy(rules: [$0]) }, timeZone: timeZone,
      stored: stored)
  }

  @Test("the request goes first, then the job's policy, then the default")
  func origin() throws {
    #expect(try applied("web01")?.policy.rules == [.newest(count: 2)])
    #expect(try applied("web01")?.origin == .job)
    #expect(try applied("db01")?.policy == stored.standard)
    #expect(try applied("db01")?.origin == .standard)
    #expect(try applied("web01", .tagged("a"))?.policy.rules == [.tagged("a")])
    #expect(try applied("web01", .tagged("a"))?.origin == .request)
    #expect(
      try AppliedPolicy(
        for: "web01", request: nil, timeZone: nil, stored: RetentionPolicies()) == nil)
  }

  @Test("the zone of the request is that of the stored rules, too")
  func zone() throws {
    #expect(try applied("db01", timeZone: "UTC")?.policy.timeZone == "UTC")
    #expect(try applied("db01", timeZone: "UTC")?.policy.rules == [.newest(count: 1)])
  }

  @Test("a stored zone that this machine does not know is refused")
  func unknownZone() throws {
    let stored = RetentionPolicies(
      standard: RetentionPolicy(rules: [.newest(count: 1)], timeZone: "Mars/Olympus"))
    let refusal = #expect(throws: Refusal.self) {
      try AppliedPolicy(for: "web01", request: nil, timeZone: nil, stored: stored)
    }
    guard case .unknownTimeZone("Mars/Olympus") = refusal else {
      return #expect(Bool(false), "\(String(describing: refusal))")
    }
  }
}
