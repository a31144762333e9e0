package import ChunkFormat

/// Something that an inspection came upon.
package struct Finding: Sendable {
  /// What it concerns.
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
    case stranger
    case setAside
    case other
  }

  /// How bad it is.
  package enum Severity: String, Sendable {
    /// Nothing is lost by it.
    case note
    /// Something is not what it should be, and content may be lost.
    case damage
  }

  /// What became of it.
  package enum Outcome: Sendable {
    /// Nobody asked for more than a report.
    case reported
    /// What was done about it, in words.
    case fixed(String)
    /// Why nothing was done about it, or what is to be done, in words.
    case left(String)
  }

  package let subject: Subject
  package let severity: Severity
  /// The file or directory concerned, below the repository's directory; empty where there is none.
  package let path: String
  package let message: String
  package internal(set) var outcome = Outcome.reported

  /// Whether it is damage that is still there.
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

/// A stretch of a volume or attachment that cannot be read.
package struct Loss: Sendable {
  package let job: String
  package let revision: RevisionID
  /// Of the volume or attachment.
  package let name: String
  package let offsetBytes: UInt64
  package internal(set) var lengthBytes: UInt64
  /// Of the first part that is lost.
  package let message: String

  func isContinued(by next: Loss) -> Bool {
    (job, revision, name) == (next.job, next.revision, next.name)
      && offsetBytes + lengthBytes == next.offsetBytes
  }
}

/// Stretches that are lost, as many as anybody wants to read.
package struct LossList: Sendable {
  static let listed = 10_000

  package private(set) var losses: [Loss] = []
  /// Stretches that are not listed.
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

/// What an inspection found, and what it did about it.
package struct InspectionReport: Sendable {
  /// Findings that are listed; a broken disk shall not fill the memory.
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
  /// Whether damage is there that is not listed.
  private var hasUnlistedDamage = false

  /// Whether no damage is left.
  package var isClean: Bool {
    losses.isEmpty && !hasUnlistedDamage && !findings.contains(where: \.isOpenDamage)
  }

  /// Notes what was done about the damage of a file.
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
