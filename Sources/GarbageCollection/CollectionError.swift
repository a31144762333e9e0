/// Why a collection failed. Nothing was deleted after the failure.
package struct CollectionError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure that a caller distinguishes.
  package enum Code: Equatable, Sendable {
    /// A revision, map or list that says what is needed cannot be read.
    case unreadable
    /// Something that is needed is missing, and the settings do not accept the loss.
    case lost
    /// More than the usual share would be deleted, and the settings do not allow it.
    case largeShare
  }

  package let code: Code
  package let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
