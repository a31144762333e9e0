/// Why garbage was not collected. Nothing was deleted then, but what an earlier step had deleted.
package struct CollectionError: Error, Sendable, CustomStringConvertible {
  /// The kinds of failure a caller tells apart.
  package enum Code: Equatable, Sendable {
    /// Something that says what is needed cannot be read.
    case unreadable
    /// Something that is needed is nowhere, and nobody said that it is given up.
    case lost
    /// More would be deleted than is usual, and nobody said that this is meant.
    case largeShare
  }

  package let code: Code
  package let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
