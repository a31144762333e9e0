package import Remedies

/// Why garbage was not collected. Nothing was deleted, except what an earlier step had deleted,
/// such as files of sessions that had died.
package struct CollectionError: RemediedError, CustomStringConvertible {
  /// The kinds of failure that a caller distinguishes.
  package enum Code: Equatable, Sendable {
    /// Information about needed content cannot be read: a revision, a map or a pack. Or the index
    /// was replaced again and again.
    case unreadable
    /// Needed content is missing, and the settings do not accept the loss.
    case lost
    /// An unusually large share of the store would be deleted, and the settings do not allow it.
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
