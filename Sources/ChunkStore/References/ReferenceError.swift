/// Why the name of a revision leads nowhere, or to more than one.
package struct ReferenceError: Error, Equatable, Sendable, CustomStringConvertible {
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

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}
