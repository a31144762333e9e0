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
    #expect(policy.options == text)
  }

  @Test func aRuleThatIsGivenTwiceIsOne() throws {
    #expect(try policy("--keep-tag a --keep-tag a")?.rules == [.tagged("a")])
  }

  /// A zone alone keeps nothing.
  @Test(arguments: ["", "--time-zone UTC"]) func noRulesAreNoPolicy(text: String) throws {
    #expect(try policy(text) == nil)
  }
}
