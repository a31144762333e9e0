package import ChunkFormat
package import Remedies

/// Something that an inspection found.
package struct Finding: Sendable {
  /// The kind of object concerned.
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

  /// How bad it is.
  package enum Severity: String, Sendable {
    /// Nothing is lost.
    case note
    /// Something is wrong, and content may be lost.
    case damage
  }

  /// What was done about it.
  package enum Outcome: Sendable {
    /// Only reported, as requested.
    case reported
    /// What was done, in words.
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
  /// The file or directory, below the repository's directory; empty if there is none.
  package let path: String
  package let message: String
  package internal(set) var outcome = Outcome.reported

  /// Whether this is damage that has not been repaired.
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

/// A range of a volume or attachment that cannot be read.
package struct Loss: Sendable {
  package let job: String
  package let revision: RevisionID
  /// Of the volume or attachment.
  package let name: String
  package let offsetBytes: UInt64
  package internal(set) var lengthBytes: UInt64
  /// The error of its first part.
  package let message: String

  func isContinued(by next: Loss) -> Bool {
    (job, revision, name) == (next.job, next.revision, next.name)
      && offsetBytes + lengthBytes == next.offsetBytes
  }
}

/// Ranges that cannot be read, listed up to a limit.
package struct LossList: Sendable {
  static let listed = 10_000

  package private(set) var losses: [Loss] = []
  /// How many more ranges are not listed.
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

/// What an inspection found and did.
package struct InspectionReport: Sendable {
  /// At most this many findings are listed, so that a broken disk does not fill the memory.
  private static let listed = 10_000

  package internal(set) var packs = 0
  /// Bytes of packs that were hashed.
  package internal(set) var hashedBytes: UInt64 = 0
  package internal(set) var revisions = 0
  package internal(set) var nodes: UInt64 = 0
  package internal(set) var chunks: UInt64 = 0
  package internal(set) var findings: [Finding] = []
  package internal(set) var furtherFindings = 0
  package internal(set) var losses = LossList()
  /// Copies that are known to be damaged.
  package internal(set) var quarantined = 0
  /// Whether there is damage that is not listed.
  private var hasUnlistedDamage = false

  /// Whether no damage is left.
  package var isClean: Bool {
    losses.isEmpty && !hasUnlistedDamage && !findings.contains(where: \.isOpenDamage)
  }

  /// Notes what was done about a damaged file.
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
