/// Finds the records of a pack whose footer is lost, by their headers.
package enum PackScanner {
  /// The next record whose header is intact.
  ///
  /// - Parameters:
  ///   - bytes: a stretch of the pack.
  ///   - start: where in `bytes` to begin.
  ///   - offset: where in the pack `bytes` begins.
  /// - Returns: the record's place and its header with, for a delta, the base; nil where no further
  ///   header lies whole within `bytes`.
  package static func nextRecord(
    in bytes: UnsafeRawBufferPointer, from start: Int, offsetInPack offset: UInt64,
    sealing: Sealing
  ) -> PackEntry? {
    let longest = RecordHeader.lengthBytes + ContentID.lengthBytes
    var position = start
    while let candidate = nextMagic(in: bytes, from: position) {
      let rest = bytes.part(candidate..<bytes.count)
      if let header = try? RecordHeader(decoding: rest, sealing: sealing),
        header.codec != .delta || rest.count >= longest
      {
        let base =
          header.codec == .delta
          ? ContentID(rest.part(RecordHeader.lengthBytes..<longest)) : nil
        return PackEntry(
          id: header.id, type: header.type, codec: header.codec, base: base,
          offsetBytes: UInt32(offset + UInt64(candidate)), storedBytes: header.storedBytes,
          plainBytes: header.plainBytes)
      }
      position = candidate + 1
    }
    return nil
  }

  /// Bytes that a header may need from its first byte on; stretches must overlap by these.
  package static let overlapBytes = RecordHeader.lengthBytes + ContentID.lengthBytes

  private static func nextMagic(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    let magic = RecordHeader.magic
    var position = start
    while position + magic.count <= bytes.count {
      guard let found = bytes[position...].firstIndex(of: magic[0]) else { return nil }
      if found + magic.count <= bytes.count,
        bytes.part(found..<found + magic.count).elementsEqual(magic)
      {
        return found
      }
      position = found + 1
    }
    return nil
  }
}
