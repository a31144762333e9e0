/// The header before the stored bytes of every record (format, "Records").
///
/// ```
/// offset size
///      0    4  magic "VREC"
///      4    1  type: 1 chunk, 2 map node
///      5    1  codec: 0 raw, 1 zstd, 2 delta
///      6    2  zeros
///      8    4  number of the record in its pack, from 0
///     12    4  stored length: bytes after this header
///     16    4  plain length
///     20   32  id
///     52   16  XXH3-128 of the plaintext; zeros in a sealed pack, where it is inside the seal
///     68    4  the low 32 bits of the XXH3-128 of all before it
/// ```
///
/// The checksum at the end allows a scan of a damaged pack to distinguish a header from chunk
/// content that contains the magic.
package struct RecordHeader: Equatable, Sendable {
  package static let lengthBytes = 72
  /// The part that both the header's own checksum and the seal cover.
  static let boundBytes = 68
  static let magic = Array("VREC".utf8)
  private static let structure = "record header"

  package let type: RecordType
  package let codec: Codec
  package let number: UInt32
  package let storedBytes: UInt32
  package let plainBytes: UInt32
  package let id: ContentID
  let checksum: Checksum?

  /// The 72 bytes.
  func store(to bytes: UnsafeMutableRawBufferPointer) {
    Self.magic.withUnsafeBytes { bytes.store($0, at: 0) }
    bytes.storeInteger(type.rawValue, at: 4)
    bytes.storeInteger(codec.rawValue, at: 5)
    bytes.storeInteger(UInt16(0), at: 6)
    bytes.storeInteger(number, at: 8)
    bytes.storeInteger(storedBytes, at: 12)
    bytes.storeInteger(plainBytes, at: 16)
    id.withUnsafeBytes { bytes.store($0, at: 20) }
    if let checksum {
      checksum.store(to: bytes, at: 52)
    } else {
      bytes.storeInteger(UInt64(0), at: 52)
      bytes.storeInteger(UInt64(0), at: 60)
    }
    bytes.storeInteger(Self.ownChecksum(UnsafeRawBufferPointer(bytes)), at: 68)
  }

  /// Reads the header at the start of `bytes`.
  ///
  /// - Parameters:
  ///   - bytes: at least as long as a header; bytes after it are not read.
  ///   - sealing: the sealing of the pack; only the header in an unsealed pack holds a checksum of
  ///     the plaintext.
  /// - Throws: ``FormatError``: `.corrupt`, or `.unsupported` for an intact header with a type or
  ///   codec that this program does not know.
  package init(decoding bytes: UnsafeRawBufferPointer, sealing: Sealing) throws(FormatError) {
    guard bytes.count >= Self.lengthBytes else {
      throw .corrupt(
        Self.structure, expected: "\(Self.lengthBytes) bytes", found: "\(bytes.count)")
    }
    guard bytes.part(0..<4).elementsEqual(Self.magic) else {
      throw .corrupt(
        Self.structure, expected: "magic VREC", found: Hexadecimal.encode(bytes.part(0..<4)))
    }
    guard bytes.loadInteger(UInt32.self, at: 68) == Self.ownChecksum(bytes) else {
      throw .wrongChecksum(Self.structure)
    }
    (type, codec) = try RecordLayout.kinds(
      type: bytes.loadInteger(at: 4), codec: bytes.loadInteger(at: 5), in: Self.structure)
    guard bytes.loadInteger(UInt16.self, at: 6) == 0,
      sealing == .none || bytes.part(52..<Self.boundBytes).allSatisfy({ $0 == 0 })
    else {
      throw .corrupt(
        Self.structure, expected: "zeros in unused bytes", found: "other bytes")
    }
    self.number = bytes.loadInteger(at: 8)
    self.storedBytes = bytes.loadInteger(at: 12)
    self.plainBytes = bytes.loadInteger(at: 16)
    self.id = ContentID(bytes.part(20..<52))
    self.checksum = sealing == .none ? Checksum(bytes, at: 52) : nil
    try RecordLayout(codec: codec, sealing: sealing).check(
      storedBytes: storedBytes, plainBytes: plainBytes, in: Self.structure)
  }

  init(
    type: RecordType, codec: Codec, number: UInt32, storedBytes: UInt32, plainBytes: UInt32,
    id: ContentID, checksum: Checksum?
  ) {
    self.type = type
    self.codec = codec
    self.number = number
    self.storedBytes = storedBytes
    self.plainBytes = plainBytes
    self.id = id
    self.checksum = checksum
  }

  private static func ownChecksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    UInt32(truncatingIfNeeded: Checksum(of: bytes.part(0..<boundBytes)).low)
  }
}

/// Limits for records of all repositories.
package enum RecordLimits {
  /// The largest possible chunk size.
  package static let maximumPlainBytes: UInt32 = 4 << 20
  /// The longest record, as stored, header included.
  package static let maximumRecordBytes =
    RecordHeader.lengthBytes + Int(maximumPlainBytes)
    + RecordLayout(codec: .delta, sealing: .dataKey).overheadBytes
}

/// The parts of a record's stored bytes besides its payload.
///
/// ```
/// plain:   [base id, 32, in a delta] payload
/// sealed:  [base id, 32, in a delta] AES-256-GCM of (XXH3-128 of the plaintext, 16; payload)  tag, 16
/// ```
struct RecordLayout {
  let codec: Codec
  let sealing: Sealing

  var baseBytes: Int { codec == .delta ? ContentID.lengthBytes : 0 }
  var checksumBytes: Int { sealing == .none ? 0 : Checksum.lengthBytes }
  var tagBytes: Int { sealing == .none ? 0 : AuthenticatedCipher.tagBytes }
  /// Stored bytes besides the payload.
  var overheadBytes: Int { baseBytes + checksumBytes + tagBytes }

  /// Checks the lengths of a record. The plain length must be between 1 byte and the length of the
  /// largest chunk. The stored length must be at most the plain length plus ``overheadBytes``, and
  /// leave at least one byte for the payload. So no hostile header or footer entry can make a
  /// reader allocate more.
  ///
  /// - Throws: ``FormatError`` with `.corrupt`.
  func check(
    storedBytes: UInt32, plainBytes: UInt32, in structure: String
  ) throws(FormatError) {
    let overhead = UInt32(overheadBytes)
    guard 1...RecordLimits.maximumPlainBytes ~= plainBytes,
      overhead + 1...overhead + plainBytes ~= storedBytes
    else {
      throw .corrupt(
        structure,
        expected: "a plain length of 1 to \(RecordLimits.maximumPlainBytes) and a stored length "
          + "that is not above it",
        found: "\(plainBytes) plain, \(storedBytes) stored")
    }
  }

  /// The type and codec of these numbers.
  ///
  /// - Throws: ``FormatError`` with `.unsupported` if this version does not know one of them.
  static func kinds(
    type: UInt8, codec: UInt8, in structure: String
  ) throws(FormatError) -> (RecordType, Codec) {
    guard let type = RecordType(rawValue: type), let codec = Codec(rawValue: codec) else {
      throw FormatError(
        .unsupported, in: structure,
        "type \(type) with codec \(codec) is not supported; use a newer version of varve")
    }
    return (type, codec)
  }
}
