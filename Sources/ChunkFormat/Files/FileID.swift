/// The name of a file: the digest of its bytes. Each kind of file has its own type of name, so that a pack
/// cannot be mistaken for a revision.
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
