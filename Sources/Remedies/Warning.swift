/// Something that went wrong while an operation went on.
package struct Warning: Hashable, Sendable, CustomStringConvertible {
  package let description: String
  /// What a user can do about it.
  package let remedies: [Remedy]

  /// - Parameter cause: the error that the message tells of; its remedies come first.
  package init(_ message: String, cause: (any Error)? = nil, remedy: Remedy? = nil) {
    description = message
    remedies = Remedy.of(cause: cause, and: remedy)
  }
}
