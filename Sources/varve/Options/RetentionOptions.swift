import ArgumentParser
import CalendarTime
import ChunkFormat
import ChunkStore

/// Which revisions are kept, as options.
struct RetentionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Keep the newest N revisions.", valueName: "n"),
    transform: KeptCount.reading)
  var keepLast: KeptCount?

  @Option(
    help: ArgumentHelp(
      "Keep the newest revision of each of the last N hours that have one.", valueName: "n"),
    transform: KeptCount.reading)
  var keepHourly: KeptCount?

  @Option(
    help: ArgumentHelp("Keep the newest of each of the last N days.", valueName: "n"),
    transform: KeptCount.reading)
  var keepDaily: KeptCount?

  @Option(
    help: ArgumentHelp(
      "Keep the newest of each of the last N weeks (Monday to Sunday).", valueName: "n"),
    transform: KeptCount.reading)
  var keepWeekly: KeptCount?

  @Option(
    help: ArgumentHelp("Keep the newest of each of the last N months.", valueName: "n"),
    transform: KeptCount.reading)
  var keepMonthly: KeptCount?

  @Option(
    help: ArgumentHelp("Keep the newest of each of the last N years.", valueName: "n"),
    transform: KeptCount.reading)
  var keepYearly: KeptCount?

  @Option(
    help: ArgumentHelp(
      "Keep revisions within this span of the newest usable one: 30d, 12h, 8w, 6m, 1y6m.",
      discussion: "Units, in this order: years (y), months (m), weeks (w), days (d) and hours (h).",
      valueName: "span"),
    transform: RetentionArgument.span)
  var keepWithin: CalendarSpan?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("Keep all revisions with this tag; can be repeated.", valueName: "tag"),
    transform: NameArgument.tag)
  var keepTag: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Keep the newest N revisions with this tag, and all revisions with this tag from the last "
        + "N intervals; can be repeated.",
      discussion: "Such as daily=1d:9 or weekly=7d:5, as in the schedules of backy.",
      valueName: "tag=interval:n"),
    transform: RetentionArgument.schedule)
  var keepSchedule: [RetentionRule] = []

  @Option(
    help: ArgumentHelp(
      "The time zone in which hours, days and so on begin, such as Europe/Berlin.",
      discussion: "Default: that of the policy, else of the variable TZ, else of the system.",
      valueName: "name"),
    transform: RetentionArgument.timeZone)
  var timeZone: String?

  /// What the options say; nil where they keep nothing.
  var policy: RetentionPolicy? {
    let counts: [(KeptCount?, CalendarUnit)] = [
      (keepHourly, .hour), (keepDaily, .day), (keepWeekly, .week), (keepMonthly, .month),
      (keepYearly, .year),
    ]
    var rules = keepLast.map { [RetentionRule.newest(count: $0.number)] } ?? []
    rules += counts.compactMap { count, unit in
      count.map { .calendar(unit, count: $0.number) }
    }
    rules += keepWithin.map { [.within($0)] } ?? []
    rules += keepTag.map { .tagged($0) } + keepSchedule
    let distinct = rules.reduce(into: [RetentionRule]()) { if !$0.contains($1) { $0.append($1) } }
    return distinct.isEmpty ? nil : RetentionPolicy(rules: distinct, timeZone: timeZone)
  }
}

/// How many revisions are kept: 1 or more.
struct KeptCount: ExplainedArgument, Equatable {
  private static let limit: UInt32 = 1_000_000
  static let expectation = "a whole number from 1 to \(limit)"

  let number: UInt32

  init?(argument: String) {
    guard let number = UInt32(argument), 1...Self.limit ~= number else { return nil }
    self.number = number
  }
}

/// Reads arguments of policies.
enum RetentionArgument {
  static func span(_ text: String) throws -> CalendarSpan {
    guard let span = CalendarSpan(text) else {
      throw ValidationError(
        "'\(text)' is not a valid time span; use for example 30d, 12h, 8w, 6m (months) or 1y6m.")
    }
    return span
  }

  static func schedule(_ text: String) throws -> RetentionRule {
    let pattern = /([^=]+)=([^:]+):(.+)/
    guard let parts = text.wholeMatch(of: pattern)?.output,
      let interval = CalendarSpan(parts.2), let count = KeptCount(argument: String(parts.3))
    else {
      throw ValidationError(
        "'\(text)' is not a valid schedule; use TAG=INTERVAL:N, for example daily=1d:9.")
    }
    return .schedule(
      tag: try NameArgument.tag(String(parts.1)), interval: interval, count: count.number)
  }

  static func timeZone(_ name: String) throws -> String {
    guard TimeZone.named(name) != nil else { throw ValidationError(noZone(name)) }
    return name
  }

  /// What is to be said of a time zone that this machine does not have.
  static func noZone(_ name: String) -> String {
    "Time zone '\(name)' is not installed on this machine (Debian's package tzdata); use a name such "
      + "as Europe/Berlin."
  }
}
