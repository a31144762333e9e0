package import CalendarTime
package import ChunkFormat
import JSONText

/// The policy that holds for a job, and where it comes from.
package struct AppliedPolicy: Sendable {
  package enum Origin: String, Sendable {
    /// The request.
    case request = "options"
    case job
    case standard = "default"
  }

  package let policy: RetentionPolicy
  package let origin: Origin
  package let zone: TimeZone

  /// - Parameters:
  ///   - policy: its time zone is `timeZone` where that is given.
  /// - Throws: ``Refusal/unknownTimeZone(_:)``, ``Refusal/systemTimeZone(fault:)``.
  init(_ policy: RetentionPolicy, _ origin: Origin, timeZone: String?) throws {
    self.policy = RetentionPolicy(rules: policy.rules, timeZone: timeZone ?? policy.timeZone)
    self.origin = origin
    zone = try Self.zone(named: self.policy.timeZone)
  }

  /// What is to be done with `job`: what `request` says, else the job's policy, else the repository's
  /// default; nil where there is none of these.
  init?(
    for job: String, request: RetentionPolicy?, timeZone: String?, stored: RetentionPolicies
  ) throws {
    if let request {
      try self.init(request, .request, timeZone: timeZone)
    } else if let policy = stored[job] {
      try self.init(policy, .job, timeZone: timeZone)
    } else if let policy = stored.standard {
      try self.init(policy, .standard, timeZone: timeZone)
    } else {
      return nil
    }
  }

  /// The zone with this name, else the local one.
  static func zone(named name: String?) throws -> TimeZone {
    guard let name else {
      if let fault = TimeZone.system.fault { throw Refusal.systemTimeZone(fault: fault) }
      return .system
    }
    guard let zone = TimeZone.named(name) else { throw Refusal.unknownTimeZone(name) }
    return zone
  }

  var json: JSON {
    guard case .object(let members) = policy.json else { return policy.json }
    return .object(JSON.Members([("origin", .string(origin.rawValue))] + members.pairs))
  }
}
