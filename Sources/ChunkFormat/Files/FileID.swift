/// The name of a file: the digest of its bytes. Each kind of file has its own type of name, so that
/// a pack cannot be mistaken for a revision.
package protocol FileID: Hashable, Comparable, Sendable, CustomStringConvertible {
  var digest: FileDigest { get }

  init(_ digest: FileDigest)
}

extension FileID {
  /// Reads a name of 64 lower-case hexadecimal digits; nil for anything else.
  package init?(name: some StringProtocol) {
    guard let digest = FileDigest(name: name) else { return nil }
    self.init(digest)
  }

  /// The name of a file with these bytes.
  package init(of bytes: [UInt8]) throws(FormatError) { self.init(try FileDigest(of: bytes)) }

  /// Takes the 32 bytes of a digest, as an index stores them.
  ///
  /// - Precondition: `bytes` holds at least 32 bytes.
  package init(stored bytes: UnsafeRawBufferPointer) { self.init(FileDigest(stored: bytes)) }

  /// Calls `body` with the 32 bytes.
  package func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result { try digest.withUnsafeBytes(body) }

  package static func < (left: Self, right: Self) -> Bool { left.digest < right.digest }

  /// 64 hexadecimal digits, the file's name.
  package var description: String { digest.description }

  /// The first digits of the name, as lists show them.
  package var short: String { digest.short }
}

/// The name of a revision.
package struct RevisionID: FileID {
  package let digest: FileDigest

  package init(_ digest: FileDigest) { self.digest = digest }
}

/// The name of a pack.
package struct PackID: FileID {
  package let digest: FileDigest

  package init(_ digest: FileDigest) { self.digest = digest }
}

/// The name of a key slot.
package struct KeyID: FileID {
  package let digest: FileDigest

  package init(_ digest: FileDigest) { self.digest = digest }
}

/// The name of a report of damaged copies.
package struct QuarantineReportID: FileID {
  package let digest: FileDigest

  package init(_ digest: FileDigest) { self.digest = digest }
}

internal import CCrypto

/// The name of a file that never changes: the SHA-256 of its bytes, sealed or not. `sha256sum` can
/// verify it without keys.
package struct FileDigest: Hashable, Comparable, Sendable {
  private let id: ContentID

  init(_ bytes: UnsafeRawBufferPointer) { id = ContentID(bytes) }

  /// Reads a name of 64 lower-case hexadecimal digits; nil for anything else.
  package init?(name: some StringProtocol) {
    guard name.utf8.count == ContentID.lengthBytes * 2, let bytes = Hexadecimal.decode(name)
    else { return nil }
    id = bytes.withUnsafeBytes { ContentID($0) }
  }

  /// The digest of a file's bytes.
  package init(of bytes: [UInt8]) throws(FormatError) {
    let hasher = try FileHasher()
    try hasher.update(bytes)
    self = try hasher.finish()
  }

  /// Takes the 32 bytes of a digest, as an index stores them.
  ///
  /// - Precondition: `bytes` holds at least 32 bytes.
  package init(stored bytes: UnsafeRawBufferPointer) { id = ContentID(bytes) }

  /// Calls `body` with the 32 bytes.
  package func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result { try id.withUnsafeBytes(body) }

  package static func < (left: FileDigest, right: FileDigest) -> Bool { left.id < right.id }
}

extension FileDigest: CustomStringConvertible {
  /// 64 hexadecimal digits, the file's name.
  package var description: String { id.description }

  /// Enough digits to tell one file of a repository from all others.
  package static let shortDigits = 12

  /// The first digits of the name, as lists show them.
  package var short: String { String(description.prefix(Self.shortDigits)) }
}

/// Computes the SHA-256 of a file piece by piece.
package final class FileHasher {
  private let context: OpaquePointer

  package init() throws(FormatError) {
    guard let context = EVP_MD_CTX_new() else { throw .cryptography("digest", "EVP_MD_CTX_new") }
    self.context = context
    guard EVP_DigestInit_ex2(context, Primitives.sha256, nil) == 1 else {
      throw .cryptography("digest", "EVP_DigestInit_ex2")
    }
  }

  deinit { EVP_MD_CTX_free(context) }

  package func update(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
    guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
      throw .cryptography("digest", "EVP_DigestUpdate")
    }
  }

  package func update(_ bytes: [UInt8]) throws(FormatError) {
    try bytes.withBytes { bytes throws(FormatError) in try update(bytes) }
  }

  /// The digest of all bytes that were given. Call it once, last.
  package func finish() throws(FormatError) -> FileDigest {
    var digest = [UInt8](repeating: 0, count: ContentID.lengthBytes)
    guard EVP_DigestFinal_ex(context, &digest, nil) == 1 else {
      throw .cryptography("digest", "EVP_DigestFinal_ex")
    }
    return digest.withUnsafeBytes { FileDigest($0) }
  }
}
