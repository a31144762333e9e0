/// Why a storage could not do what was asked.
package struct StorageError: Error, Sendable, CustomStringConvertible {
  /// What a caller may want to act upon; everything else is `other`.
  package enum Code: Sendable, Hashable {
    case notFound
    /// A part of the object's path is no directory.
    case notADirectory
    case permissionDenied
    case noSpace
    case readOnly
    /// The medium has lost the bytes.
    case unreadable
    /// Something that is no object has its name.
    case wrongKind
    /// The object has more bytes than its reader takes.
    case tooLarge
    /// No answer: what was asked for may have been done, may be done yet, or never.
    case unanswered
    /// This process has closed the object.
    case closed
    /// Somebody held a lock for too long.
    case lockHeld
    /// The whole area is missing.
    case missingArea
    /// A repository is to be made where there is one already.
    case alreadyExists
    /// A repository is to be made where there is anything else.
    case occupied
    /// The storage lacks something that a repository needs.
    case unsuitable
    case other
  }

  package let code: Code
  /// Where the object, or the area, is, for people.
  package let place: String
  /// What the layer below said.
  package let cause: any Error & CustomStringConvertible
  /// What is used up, where that is not space; empty, or to be added to ``description``.
  package let explanation: String
  /// The area that is missing.
  private let missing: ObjectArea?

  package init(
    _ code: Code, at place: String, cause: any Error & CustomStringConvertible,
    explanation: String = "", missing: ObjectArea? = nil
  ) {
    self.missing = missing
    self.code = code
    self.place = place
    self.cause = cause
    self.explanation = explanation
  }

  /// Whether an area is missing that every repository has.
  package var isOfRequiredArea: Bool { missing.map(ObjectArea.required.contains) ?? false }

  package var description: String { cause.description }
}
