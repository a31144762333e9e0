package import Remedies

/// Why the name of a revision leads nowhere, or to more than one.
package struct ReferenceError: RemediedError, CustomStringConvertible {
  package enum Code: Equatable, Sendable {
    /// The text has not the form of a name of a revision.
    case malformed
    case unknownJob
    case noSuchRevision
    case unknownVolume
    /// Several revisions, or several volumes, fit.
    case ambiguous
  }

  package let code: Code
  /// The name as it was written, what was expected and found, and what could be written instead.
  package let description: String
  package let cause: (any Error)?
  package let remedy: Remedy?

  init(
    _ code: Code, _ description: String, cause: (any Error)? = nil, remedy: Remedy? = nil
  ) {
    self.code = code
    self.description = description
    self.cause = cause
    self.remedy = remedy
  }
}
