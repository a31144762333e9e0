/// One line of a pack's footer: a record, and where it is.
///
/// ```
/// offset size
///      0    4  offset of the record's header in the pack
///      4    4  stored length: bytes after the record's header
///      8    4  plain length
///     12    1  type
///     13    1  codec
///     14    2  zeros
///     16   32  id
///     48   32  id of the base; only where the codec is delta
/// ```
package struct PackEntry: Equatable, Sendable {
  static let maximumLengthBytes = 16 + 2 * ContentID.lengthBytes

  package let id: ContentID
  package let type: RecordType
  package let codec: Codec
  package let base: ContentID?
  package let offsetBytes: UInt32
  package let storedBytes: UInt32
  package let plainBytes: UInt32

  package init(
    id: ContentID, type: RecordType, codec: Codec, base: ContentID?, offsetBytes: UInt32,
    storedBytes: UInt32, plainBytes: UInt32
  ) {
    self.id = id
    self.type = type
    self.codec = codec
    self.base = base
    self.offsetBytes = offsetBytes
    self.storedBytes = storedBytes
    self.plainBytes = plainBytes
  }

  /// The record's bytes in the pack, its header included.
  package var rangeInPack: Range<UInt64> {
    let start = UInt64(offsetBytes)
    return start..<start + UInt64(RecordHeader.lengthBytes) + UInt64(storedBytes)
  }

  func write(to writer: inout ByteWriter) {
    writer.write(offsetBytes)
    writer.write(storedBytes)
    writer.write(plainBytes)
    writer.write(type.rawValue)
    writer.write(codec.rawValue)
    writer.write(UInt16(0))
    writer.write(id)
    if let base {
      writer.write(base)
    }
  }

  init(from reader: inout ByteReader) throws(FormatError) {
    offsetBytes = try reader.read()
    storedBytes = try reader.read()
    plainBytes = try reader.read()
    (type, codec) = try RecordLayout.kinds(
      type: try reader.read(), codec: try reader.read(), in: PackFooter.structure)
    let zeros: UInt16 = try reader.read()
    guard zeros == 0 else {
      throw .corrupt(PackFooter.structure, expected: "zeros after a codec", found: "\(zeros)")
    }
    id = try reader.readID()
    base = codec == .delta ? try reader.readID() : nil
  }
}
