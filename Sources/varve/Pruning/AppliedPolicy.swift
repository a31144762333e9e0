import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText

/// The policy that holds for a job, and where it comes from.
struct AppliedPolicy {
  enum Origin: String {
    case options
    case job
    case standard = "default"
  }

  let policy: RetentionPolicy
  let origin: Origin
  let zone: TimeZone

  /// - Parameters:
  ///   - policy: its time zone is that of `options` where they name one.
  /// - Throws: ``Failure`` where this machine does not know the policy's time zone.
  init(_ policy: RetentionPolicy, _ origin: Origin, options: RetentionOptions) throws {
    self.policy = RetentionPolicy(
      rules: policy.rules, timeZone: options.timeZone ?? policy.timeZone)
    self.origin = origin
    zone = try Self.zone(named: self.policy.timeZone)
  }

  /// What is to be done with `job`: what `options` say, else the job's policy, else the repository's
  /// default; nil where there is none of these.
  init?(for job: String, options: RetentionOptions, stored: RetentionPolicies) throws {
    if let policy = options.policy {
      try self.init(policy, .options, options: options)
    } else if let policy = stored[job] {
      try self.init(policy, .job, options: options)
    } else if let policy = stored.standard {
      try self.init(policy, .standard, options: options)
    } else {
      return nil
    }
  }

  /// The zone with this name, else the local one.
  static func zone(named name: String?) throws -> TimeZone {
    guard let name else {
      if let fault = TimeZone.system.fault { throw Failure(fault) }
      return .system
    }
    guard let zone = TimeZone.named(name) else { throw Failure(RetentionArgument.noZone(name)) }
    return zone
  }

  /// `--keep-daily 7, the repository's default`.
  var text: String {
    switch origin {
    case .options: "\(policy)"
    case .job: "\(policy), the job's policy"
    case .standard: "\(policy), the repository's default"
    }
  }

  var json: JSON {
    guard case .object(let members) = policy.json else { return policy.json }
    return .object(JSON.Members([("origin", .string(origin.rawValue))] + members.pairs))
  }
}

extension RetentionPolicy {
  /// The rules, and the time zone, null for the local one.
  var json: JSON {
    .object(["rules": .array(rules.map(\.json)), "timeZone": .optional(timeZone)])
  }
}

extension RetentionRule {
  fileprivate var json: JSON {
    switch self {
    case .newest(let count): Self.json("last", keep: count)
    case .calendar(let unit, let count): Self.json("\(unit)", keep: count)
    case .within(let span): Self.json("within", span: span)
    case .tagged(let tag): Self.json("tag", tag: tag)
    case .schedule(let tag, let interval, let count):
      Self.json("schedule", keep: count, span: interval, tag: tag)
    }
  }

  private static func json(
    _ kind: String, keep count: UInt32? = nil, span: CalendarSpan? = nil, tag: String? = nil
  ) -> JSON {
    .object([
      "kind": .string(kind), "keep": count.map { .integer(Int64($0)) } ?? .null,
      "span": .optional(span?.description), "tag": .optional(tag),
    ])
  }
}
