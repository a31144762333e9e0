package import ChunkFormat

/// What the index says of a pack.
///
/// ```
/// offset size
///      0   32  name
///     32    1  kind: 1 data, 2 maps
///     33    8  length of the pack
///     41   64  file header
/// ```
package struct IndexedPack: Equatable, Sendable {
  package let id: PackID
  package let kind: PackKind
  package let lengthBytes: UInt64
  /// The pack's first 64 bytes, which opening its seals takes.
  package let header: [UInt8]

  var encoded: [UInt8] {
    var bytes = id.withUnsafeBytes { Array($0) }
    bytes.append(kind.rawValue)
    withUnsafeBytes(of: lengthBytes.littleEndian) { bytes.append(contentsOf: $0) }
    return bytes + header
  }

  init(id: PackID, kind: PackKind, lengthBytes: UInt64, header: [UInt8]) {
    self.id = id
    self.kind = kind
    self.lengthBytes = lengthBytes
    self.header = header
  }

  init(_ pack: Pack) {
    self.init(
      id: pack.id, kind: pack.kind, lengthBytes: pack.lengthBytes,
      header: pack.seal.header.encoded())
  }

  /// The name alone.
  static func id(encoded bytes: UnsafeRawBufferPointer) -> PackID? {
    bytes.count >= ContentID.lengthBytes ? PackID(stored: bytes) : nil
  }

  /// Nil where the bytes are no such value: the index is damaged.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count == 41 + FileHeader.lengthBytes, let kind = PackKind(rawValue: bytes[32])
    else { return nil }
    id = PackID(stored: bytes)
    self.kind = kind
    lengthBytes = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 33, as: UInt64.self))
    header = Array(bytes[41...])
  }
}

/// Where one copy of a record is.
///
/// ```
/// offset size
///      0    4  number of the pack
///      4    4  offset in the pack
///      8    4  stored length
///     12    4  plain length
///     16    1  type
///     17    1  codec
///     18   32  base; only of a delta
/// ```
package struct IndexedRecord: Sendable {
  /// Of what ``encode(_:pack:)`` makes.
  static let maximumBytes = 18 + ContentID.lengthBytes

  package let pack: UInt32
  package let entry: PackEntry

  static func encode(_ entry: PackEntry, pack: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(maximumBytes)
    for value in [pack, entry.offsetBytes, entry.storedBytes, entry.plainBytes] {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    bytes.append(entry.type.rawValue)
    bytes.append(entry.codec.rawValue)
    entry.base?.withUnsafeBytes { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Nil where the bytes are no such value: the index is damaged.
  init?(_ bytes: UnsafeRawBufferPointer, id: ContentID) {
    guard bytes.count >= 18, let type = RecordType(rawValue: bytes[16]),
      let codec = Codec(rawValue: bytes[17]),
      bytes.count == 18 + (codec == .delta ? ContentID.lengthBytes : 0)
    else { return nil }
    func number(_ offset: Int) -> UInt32 {
      UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    pack = number(0)
    entry = PackEntry(
      id: id, type: type, codec: codec,
      base: codec == .delta
        ? ContentID(UnsafeRawBufferPointer(rebasing: bytes[18...])) : nil,
      offsetBytes: number(4), storedBytes: number(8), plainBytes: number(12))
  }
}
