/// What is wrong with bytes that claim to be in varve's format, or with what was asked of them.
package struct FormatError: Error, Equatable, Sendable {
  /// The kinds of failure a caller tells apart.
  package enum Code: Equatable, Sendable {
    /// The bytes are not what the format says: damaged, cut short, or never ours.
    case corrupt
    /// A version or method this program does not know; a newer program may.
    case unsupported
    /// Authentic, but of another repository.
    case wrongRepository
    /// No key slot opens with the passphrase or key file given.
    case wrongKey
    /// A value that the format cannot express was to be encoded.
    case invalidValue
    /// The cryptographic or compression library refused to work.
    case libraryFailure
  }

  package let code: Code
  /// The structure concerned, in the words of the format document: "pack header".
  package let structure: String
  /// What was expected and what was found.
  package let message: String

  package init(_ code: Code, in structure: String, _ message: String) {
    self.code = code
    self.structure = structure
    self.message = message
  }

  /// Damage: `structure` should have been `expected`, and is `found`.
  package static func corrupt(
    _ structure: String, expected: String, found: String
  ) -> FormatError {
    FormatError(.corrupt, in: structure, "expected \(expected), found \(found)")
  }

  /// The checksum in `structure` is not that of its content.
  static func wrongChecksum(_ structure: String) -> FormatError {
    .corrupt(structure, expected: "content that matches its checksum", found: "a mismatch")
  }

  /// A version of `structure` that this program does not know.
  package static func unsupportedVersion(
    _ structure: String, found: some BinaryInteger, known: some BinaryInteger
  ) -> FormatError {
    FormatError(
      .unsupported, in: structure,
      "version \(found) is not known to this program, which reads version \(known); "
        + "a newer varve is needed")
  }

  /// The same said of bytes that were read: what must not be written is damage where it is found.
  var asCorruption: FormatError {
    code == .invalidValue ? FormatError(.corrupt, in: structure, message) : self
  }
}

extension FormatError: CustomStringConvertible {
  package var description: String { "\(structure): \(message)" }
}
