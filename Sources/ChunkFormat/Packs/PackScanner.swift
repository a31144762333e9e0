internal import Glibc

/// Finds records by their headers, in a pack whose footer is lost.
///
/// A found header proves nothing: chunk content may look like a record, and anybody can compute a
/// header's checksum. Read the record and recompute its id. If the id matches, continue after the
/// record; otherwise continue one byte after its start.
package enum PackScanner {
  /// The next record with an intact header.
  ///
  /// - Parameters:
  ///   - bytes: a stretch of the pack.
  ///   - start: where in `bytes` to begin.
  ///   - offset: where in the pack `bytes` begins.
  ///   - sealing: the sealing of the pack.
  /// - Returns: the place of the record and the values of its header, and for a delta also the
  ///   base; nil if `bytes` holds no further complete header. The record may end beyond `bytes`, or
  ///   beyond the pack.
  package static func nextRecord(
    in bytes: UnsafeRawBufferPointer, from start: Int, offsetInPack offset: UInt64,
    sealing: Sealing
  ) -> PackEntry? {
    let longest = RecordHeader.lengthBytes + ContentID.lengthBytes
    var position = start
    while let candidate = nextMagic(in: bytes, from: position) {
      let rest = bytes.part(candidate..<bytes.count)
      if let header = try? RecordHeader(decoding: rest, sealing: sealing),
        header.codec != .delta || rest.count >= longest,
        let offsetBytes = UInt32(exactly: offset + UInt64(candidate))
      {
        let base =
          header.codec == .delta
          ? ContentID(rest.part(RecordHeader.lengthBytes..<longest)) : nil
        return PackEntry(
          id: header.id, type: header.type, codec: header.codec, base: base,
          offsetBytes: offsetBytes, storedBytes: header.storedBytes,
          plainBytes: header.plainBytes)
      }
      position = candidate + 1
    }
    return nil
  }

  /// Length of the longest header, the id of a delta's base included. Stretches must overlap by
  /// this length.
  package static let overlapBytes = RecordHeader.lengthBytes + ContentID.lengthBytes

  private static func nextMagic(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
    let magic = RecordHeader.magic
    var position = start
    while position + magic.count <= bytes.count, let base = bytes.baseAddress,
      let byte = memchr(base + position, Int32(magic[0]), bytes.count - position)
    {
      let found = UnsafeRawPointer(byte) - base
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
