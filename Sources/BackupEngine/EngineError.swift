package import Remedies

/// Why a backup, a restore or a verification ended without doing what was asked.
package struct EngineError: RemediedError, CustomStringConvertible {
  package enum Code: Equatable, Sendable {
    /// The sources are empty, or differ unusually much from the previous revision.
    case unusual(UnusualBackup)
    /// The request contradicts itself or the rules of the repository.
    case invalidRequest
    /// Content is damaged or missing; the message says where.
    case damaged
    /// The restored volume does not read back as it was written.
    case notIdentical
  }

  package let code: Code
  package let description: String
  package let cause: (any Error)?
  package let remedy: Remedy?

  package init(
    _ code: Code, _ message: String, cause: (any Error)? = nil, remedy: Remedy? = nil
  ) {
    self.code = code
    description = message
    self.cause = cause
    self.remedy = remedy
  }
}
