package import Remedies

/// Why garbage was not collected. Nothing was deleted, except what an earlier step had deleted,
/// such as files of sessions that had died.
package struct CollectionError: RemediedError, CustomStringConvertible {
  /// The kinds of failure that a caller distinguishes.
  package enum Code: Equatable, Sendable {
    /// Something that says what is needed cannot be read, such as a revision, a map or a pack; or
    /// the index was replaced again and again.
    case unreadable
    /// Something that is needed is missing, and the settings do not accept the loss.
    case lost
    /// More than the usual share of the store would be deleted, and the settings do not allow it.
    case largeShare
  }

  package let code: Code
  package let description: String
  package let cause: (any Error)?
  package let remedy: Remedy?

  init(_ code: Code, _ description: String, cause: (any Error)? = nil, remedy: Remedy? = nil) {
    self.code = code
    self.description = description
    self.cause = cause
    self.remedy = remedy
  }
}
