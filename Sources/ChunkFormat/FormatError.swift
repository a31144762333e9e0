/// The reason why bytes could not be read in varve's format, or values could not be written in it.
package struct FormatError: Error, Equatable, Sendable {
  /// The kinds of failure that a caller distinguishes.
  package enum Code: Equatable, Sendable {
    /// The bytes do not match the format: they are damaged, truncated, or not a file of varve.
    case corrupt
    /// A version or method that this program does not know; a newer program may.
    case unsupported
    /// The bytes belong to another repository.
    case wrongRepository
    /// No key slot opens with this passphrase or key file, or there is no key for sealed bytes.
    case wrongKey
    /// The format cannot express this value.
    case invalidValue
    /// The cryptographic or compression library failed.
    case libraryFailure
  }

  package let code: Code
  /// The structure, in the words of the format document: "pack header".
  package let structure: String
  /// The expected content and the content that was found.
  package let message: String

  package init(_ code: Code, in structure: String, _ message: String) {
    self.code = code
    self.structure = structure
    self.message = message
  }

  /// Damage: `structure` should contain `expected`, but contains `found`.
  package static func corrupt(
    _ structure: String, expected: String, found: String
  ) -> FormatError {
    FormatError(.corrupt, in: structure, "expected \(expected), found \(found)")
  }

  /// The checksum in `structure` does not match its content.
  static func wrongChecksum(_ structure: String) -> FormatError {
    FormatError(.corrupt, in: structure, "checksum mismatch")
  }

  /// An unknown version of `structure`.
  package static func unsupportedVersion(
    _ structure: String, found: some BinaryInteger, known: some BinaryInteger
  ) -> FormatError {
    FormatError(
      .unsupported, in: structure,
      "version \(found) is not supported, only version \(known); use a newer version of varve")
  }

  /// The error to throw after reading: a value that must not be written is damage when it is read.
  var asCorruption: FormatError {
    code == .invalidValue ? FormatError(.corrupt, in: structure, message) : self
  }
}

extension FormatError: CustomStringConvertible {
  package var description: String { "\(structure): \(message)" }
}
