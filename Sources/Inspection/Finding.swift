package import ChunkFormat
package import Remedies

/// A finding of an inspection.
package struct Finding: Sendable {
  /// The kind of object.
  package enum Subject: String, Sendable {
    case key
    case pack
    case index
    case revision
    case marks
    case session
    case quarantine
    case pin
    case leftover
    case directory
    case unknownFile = "stranger"
    case setAside
    case other
  }

  /// The severity of a finding.
  package enum Severity: String, Sendable {
    /// Nothing is lost.
    case note
    /// Something is wrong, and content may be lost.
    case damage
  }

  /// What was done about a finding.
  package enum Outcome: Sendable {
    /// The finding was only reported, as requested.
    case reported
    /// A description of the repair.
    case fixed(String)
    /// What follows from it, or why nothing was done, in words; and what the user can do.
    case left(String?, Remedy?)

    package var isFixed: Bool {
      if case .fixed = self { true } else { false }
    }

    /// What was done, or what follows and what helps; nil where there is nothing to say.
    package func remark(_ wording: RemedyWording) -> String? {
      switch self {
      case .reported: nil
      case .fixed(let done): done
      case .left(let reason?, let remedy): wording.text(reason, remedy.map { [$0] } ?? [])
      case .left(nil, let remedy): wording.text(remedy.map { [$0] } ?? [])
      }
    }
  }

  package let subject: Subject
  package let severity: Severity
  /// The path of the file or directory in the repository. Empty if there is none.
  package let path: String
  package let message: String
  package internal(set) var outcome = Outcome.reported

  /// Whether this is damage that was not repaired.
  package var isOpenDamage: Bool {
    if case .fixed = outcome { return false }
    return severity == .damage
  }

  init(
    _ subject: Subject, _ severity: Severity, path: String, _ message: String,
    _ outcome: Outcome = .reported
  ) {
    self.subject = subject
    self.severity = severity
    self.path = path
    self.message = message
    self.outcome = outcome
  }
}

/// An unreadable range of a volume or attachment.
package struct Loss: Sendable {
  package let job: String
  package let revision: RevisionID
  /// The name of the volume or attachment.
  package let name: String
  package let offsetBytes: UInt64
  package internal(set) var lengthBytes: UInt64
  /// The error of the first part of the range.
  package let message: String

  func isContinued(by next: Loss) -> Bool {
    (job, revision, name) == (next.job, next.revision, next.name)
      && offsetBytes + lengthBytes == next.offsetBytes
  }
}

/// Unreadable ranges, listed up to a limit.
package struct LossList: Sendable {
  static let listed = 10_000

  package private(set) var losses: [Loss] = []
  /// The number of further ranges that are not listed.
  package private(set) var further = 0

  package var isEmpty: Bool { losses.isEmpty }
  package var count: Int { losses.count + further }

  mutating func add(_ loss: Loss) {
    if further == 0, let last = losses.last, last.isContinued(by: loss) {
      losses[losses.count - 1].lengthBytes += loss.lengthBytes
    } else if losses.count < Self.listed {
      losses.append(loss)
    } else {
      further += 1
    }
  }
}

/// The results of an inspection.
package struct InspectionReport: Sendable {
  /// The greatest number of listed findings, so that a broken disk does not fill the memory.
  private static let listed = 10_000

  package internal(set) var packs = 0
  /// The bytes of packs that were hashed.
  package internal(set) var hashedBytes: UInt64 = 0
  package internal(set) var revisions = 0
  package internal(set) var nodes: UInt64 = 0
  package internal(set) var chunks: UInt64 = 0
  package internal(set) var findings: [Finding] = []
  package internal(set) var furtherFindings = 0
  package internal(set) var losses = LossList()
  /// The number of copies that are known to be damaged.
  package internal(set) var quarantined = 0
  /// Whether some damage is not listed.
  private var hasUnlistedDamage = false

  /// Whether no damage remains.
  package var isClean: Bool {
    losses.isEmpty && !hasUnlistedDamage && !findings.contains(where: \.isOpenDamage)
  }

  /// Notes the repair of a damaged file.
  mutating func markFixed(_ path: String, _ what: String) {
    for number in findings.indices where findings[number].path == path {
      findings[number].outcome = .fixed(what)
    }
  }

  mutating func add(_ finding: Finding) {
    if findings.count < Self.listed {
      findings.append(finding)
    } else {
      furtherFindings += 1
      hasUnlistedDamage = hasUnlistedDamage || finding.isOpenDamage
    }
  }
}
