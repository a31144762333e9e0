package import CalendarTime

/// The settings of a repository: the file `config` (format, "Configuration"). Only the compression
/// can change later.
///
/// ```
/// offset size
///      0   64  file header, not sealed: it must be read before there are keys
///     64    n  fields: 1 chunk size (4), 2 encryption (1), 3 compression (text), 4 created (8)
///   64+n   32  authentication; zeros if the repository is not encrypted
///   96+n   16  XXH3-128 of all before it
/// ```
///
/// The authentication uses both keys, so it fails if one of them is wrong. The first code is the
/// HMAC-SHA-256, under the id key, of all bytes before the authentication. The authentication is
/// the HMAC-SHA-256, under a key derived from the data key, of the same bytes followed by the first
/// code.
package struct RepositoryConfiguration: Equatable, Sendable {
  private static let authenticationBytes = 32
  /// The largest valid configuration; limits what a reader loads.
  package static let maximumFileBytes = 64 << 10
  private static let structure = RepositoryFileKind.configuration.name

  /// The range of valid chunk sizes in bytes; only powers of two are valid.
  package static let chunkSizes: ClosedRange<Int> = 64 << 10...4 << 20
  package static let standardChunkSizeBytes = 128 << 10

  package let id: RepositoryID
  /// A power of two within ``chunkSizes``.
  package let chunkSizeBytes: Int
  package let isEncrypted: Bool
  package let compression: CompressionMethod
  package let created: Timestamp

  /// - Throws: ``FormatError`` with `.invalidValue` for another chunk size or a time before 1970.
  package init(
    id: RepositoryID, chunkSizeBytes: Int, isEncrypted: Bool, compression: CompressionMethod,
    created: Timestamp
  ) throws(FormatError) {
    guard Self.isValid(chunkSizeBytes: chunkSizeBytes) else {
      throw FormatError(
        .invalidValue, in: Self.structure,
        "a chunk has a power of two from \(Self.chunkSizes.lowerBound) to "
          + "\(Self.chunkSizes.upperBound) bytes, not \(chunkSizeBytes)")
    }
    guard created >= .epoch else {
      throw FormatError(.invalidValue, in: Self.structure, "no repository is older than 1970")
    }
    self.id = id
    self.chunkSizeBytes = chunkSizeBytes
    self.isEncrypted = isEncrypted
    self.compression = compression
    self.created = created
  }

  /// The same configuration with another compression for new records.
  package func compressed(by method: CompressionMethod) -> RepositoryConfiguration {
    RepositoryConfiguration(self, compression: method)
  }

  private init(_ other: RepositoryConfiguration, compression: CompressionMethod) {
    id = other.id
    chunkSizeBytes = other.chunkSizeBytes
    isEncrypted = other.isEncrypted
    self.compression = compression
    created = other.created
  }

  /// Whether `chunkSizeBytes` is a valid chunk size.
  package static func isValid(chunkSizeBytes: Int) -> Bool {
    chunkSizes ~= chunkSizeBytes && chunkSizeBytes.nonzeroBitCount == 1
  }

  /// The bytes of the file.
  ///
  /// - Parameter keys: the keys of an encrypted repository; nil for any other.
  package func encoded(keys: RepositoryKeys?) throws(FormatError) -> [UInt8] {
    precondition(isEncrypted == (keys != nil))
    let header = try FileHeader(
      kind: .configuration, sealing: .none, repository: id, salted: false)
    var fields = FieldListWriter()
    fields.field(Tag.chunkSize, UInt32(chunkSizeBytes))
    fields.field(Tag.encryption, UInt8(isEncrypted ? 1 : 0))
    fields.field(Tag.compression, compression.description)
    fields.field(Tag.created, created)
    let claims = header.encoded() + fields.bytes
    let bytes = claims + (try Self.authentication(of: claims, repository: id, keys: keys))
    return bytes + Checksum(of: bytes).encoded
  }

  /// Reads the file. A reader with keys must call ``authenticate(_:keys:)`` next.
  ///
  /// - Throws: ``FormatError`` with `.corrupt` or `.unsupported`.
  package init(encoded bytes: [UInt8]) throws(FormatError) {
    let header = try FileHeader(encoded: bytes, expecting: [.configuration], of: nil)
    let claimsEnd = try Self.claimsEnd(bytes)
    let sumStart = claimsEnd + Self.authenticationBytes
    let matches = bytes.withUnsafeBytes {
      Checksum(of: $0.part(0..<sumStart)) == Checksum($0, at: sumStart)
    }
    guard matches else {
      throw .wrongChecksum(Self.structure)
    }
    let fields = try FieldList(
      bytes[FileHeader.lengthBytes..<claimsEnd], structure: Self.structure, known: Tag.all)
    let method = try fields.text(Tag.compression)
    guard let compression = CompressionMethod(method) else {
      throw FormatError(
        .unsupported, in: Self.structure,
        "compression '\(method)' is not supported; use a newer version of varve")
    }
    let encryption: UInt8 = try fields.integer(Tag.encryption)
    guard encryption <= 1 else {
      throw FormatError(
        .unsupported, in: Self.structure,
        "encryption method \(encryption) is not supported; use a newer version of varve")
    }
    let chunkSize: UInt32 = try fields.integer(Tag.chunkSize)
    let created: Timestamp = try fields.time(Tag.created)
    do throws(FormatError) {
      try self.init(
        id: header.repository, chunkSizeBytes: Int(chunkSize), isEncrypted: encryption == 1,
        compression: compression, created: created)
    } catch { throw error.asCorruption }
    guard isEncrypted || bytes[claimsEnd..<sumStart].allSatisfy({ $0 == 0 }) else {
      throw .corrupt(
        Self.structure, expected: "no authentication where there are no keys", found: "one")
    }
  }

  /// Checks that the writer of the configuration file had the repository's keys. Without this
  /// check, anybody who can write to the disk could turn encryption off for the next backup.
  ///
  /// - Throws: ``FormatError`` with `.corrupt`.
  package static func authenticate(
    _ bytes: [UInt8], keys: RepositoryKeys
  ) throws(FormatError) {
    let claimsEnd = try claimsEnd(bytes)
    let header = try FileHeader(encoded: bytes, expecting: [.configuration], of: nil)
    let expected = try authentication(
      of: Array(bytes[..<claimsEnd]), repository: header.repository, keys: keys)
    guard bytes[claimsEnd..<claimsEnd + authenticationBytes].elementsEqual(expected) else {
      throw .corrupt(
        structure, expected: "a configuration written with the repository's keys",
        found: "one that was changed without them")
    }
  }

  private static func claimsEnd(_ bytes: [UInt8]) throws(FormatError) -> Int {
    let end = bytes.count - authenticationBytes - Checksum.lengthBytes
    guard end >= FileHeader.lengthBytes, bytes.count <= maximumFileBytes else {
      throw .corrupt(
        structure, expected: "a file of up to \(maximumFileBytes) bytes",
        found: "one of \(bytes.count)")
    }
    return end
  }

  private static func authentication(
    of claims: [UInt8], repository: RepositoryID, keys: RepositoryKeys?
  ) throws(FormatError) -> [UInt8] {
    guard let keys else { return Array(repeating: 0, count: authenticationBytes) }
    let key = try keys.fileKey(salt: repository.bytes, kind: .configuration)
    return try hmac(claims + (try hmac(claims, key: keys.idKey)), key: key)
  }

  private static func hmac(
    _ bytes: [UInt8], key: SecretBytes
  ) throws(FormatError) -> [UInt8] {
    let code = try bytes.withBytes { bytes throws(FormatError) in
      try ContentHasher(idKey: key).id(of: bytes, type: .chunk)
    }
    return code.withUnsafeBytes { Array($0) }
  }

  private enum Tag {
    static let chunkSize: UInt16 = 1 | FieldList.critical
    static let encryption: UInt16 = 2 | FieldList.critical
    static let compression: UInt16 = 3 | FieldList.critical
    static let created: UInt16 = 4
    static let all: Set<UInt16> = [chunkSize, encryption, compression, created]
  }
}
