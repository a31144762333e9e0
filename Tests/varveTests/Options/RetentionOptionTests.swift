import ArgumentParser
import ChunkFormat
import Testing

@testable import varve

@Suite struct RetentionOptionTests {
  private func policy(_ text: String) throws -> RetentionPolicy? {
    try RetentionOptions.parse(text.split(separator: " ").map(String.init)).policy
  }

  /// What is shown of a policy can be given again.
  @Test(
    arguments: [
      "--keep-last 3", "--keep-hourly 24 --keep-daily 7 --keep-weekly 5 --keep-monthly 12",
      "--keep-yearly 10 --keep-within 1y6m", "--keep-tag golden --keep-tag other",
      "--keep-schedule daily=1d:9 --keep-schedule weekly=7d:5",
      "--keep-last 1 --time-zone Europe/Berlin",
    ])
  func policiesAreShownAsTheyAreGiven(text: String) throws {
    let policy = try #require(try policy(text))
    #expect("\(policy)" == text)
  }

  @Test func aRuleThatIsGivenTwiceIsOne() throws {
    #expect(try policy("--keep-tag a --keep-tag a")?.rules == [.tagged("a")])
  }

  /// A zone alone keeps nothing.
  @Test(arguments: ["", "--time-zone UTC"]) func noRulesAreNoPolicy(text: String) throws {
    #expect(try policy(text) == nil)
  }

  @Test func theOriginOfAPolicy() throws {
    let stored = RetentionPolicies(
      standard: RetentionPolicy(rules: [.newest(count: 1)], timeZone: "Asia/Kathmandu"),
      jobs: ["web01": RetentionPolicy(rules: [.newest(count: 2)])])
    func applied(_ job: String, _ options: String = "") throws -> AppliedPolicy? {
      try AppliedPolicy(
        for: job,
        options: RetentionOptions.parse(options.split(separator: " ").map(String.init)),
        stored: stored)
    }
    #expect(try applied("web01")?.policy.rules == [.newest(count: 2)])
    #expect(try applied("web01")?.origin == .job)
    #expect(try applied("db01")?.policy == stored.standard)
    #expect(try applied("db01")?.origin == .standard)
    #expect(try applied("web01", "--keep-tag a")?.policy.rules == [.tagged("a")])
    #expect(try applied("web01", "--keep-tag a")?.origin == .options)
    // The zone of the options is that of the stored rules, too.
    #expect(try applied("db01", "--time-zone UTC")?.policy.timeZone == "UTC")
    #expect(try applied("db01", "--time-zone UTC")?.policy.rules == [.newest(count: 1)])
    #expect(
      try AppliedPolicy(
        for: "web01", options: RetentionOptions.parse([]), stored: RetentionPolicies()) == nil)
  }

  @Test func aStoredZoneThatIsUnknownHereIsNamed() throws {
    let stored = RetentionPolicies(
      standard: RetentionPolicy(rules: [.newest(count: 1)], timeZone: "Mars/Olympus"))
    let error = #expect(throws: Failure.self) {
      try AppliedPolicy(for: "web01", options: RetentionOptions.parse([]), stored: stored)
    }
    #expect(error?.description.contains("Mars/Olympus") == true)
  }
}
