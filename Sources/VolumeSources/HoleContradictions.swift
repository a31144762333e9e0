/// Collects signs that a file system reports false holes in a file (lseek(2), `SEEK_DATA`).
struct HoleContradictions {
  /// 1 MiB: blocks that the file system itself needs, such as a list of the file's blocks, also
  /// count as allocated.
  private static let toleratedBytes: UInt64 = 1 << 20

  /// Bytes in holes that only `SEEK_DATA` reports, without a second source.
  private var unprovenBytes: UInt64 = 0
  /// The offset of the first blocks that are written although they are reported as a hole.
  private var firstWrittenBytes: UInt64?
  private var writtenCount = 0

  /// Records a hole for which the file system has no map of blocks to compare with.
  mutating func noteUnprovenHole(_ lengthBytes: UInt64) { unprovenBytes += lengthBytes }

  /// Records a hole in which the file system's map of blocks has content. (FS_IOC_FIEMAP)
  mutating func noteWrittenBlocks(at offsetBytes: UInt64) {
    firstWrittenBytes = firstWrittenBytes ?? offsetBytes
    writtenCount += 1
  }

  /// A warning for the user; nil if there is no sign of false holes.
  ///
  /// - Parameters:
  ///   - source: the name of the source.
  ///   - sizeBytes: the size of the file.
  ///   - allocatedBytes: the allocated space of the file, from `st_blocks`. It includes blocks that
  ///     are reserved but not written, so it proves nothing by itself.
  func warning(
    of source: String, sizeBytes: UInt64, allocatedBytes: UInt64
  ) -> String? {
    if let firstWrittenBytes {
      return
        "\(source): its file system reports holes where its map of blocks has data, in "
        + "\(writtenCount) \(writtenCount == 1 ? "place" : "places"), the first at offset "
        + "\(firstWrittenBytes); the backup read them"
    }
    guard unprovenBytes > 0 else { return nil }
    let dataBytes = sizeBytes - min(sizeBytes, unprovenBytes)
    let expected = dataBytes + dataBytes / 64 + Self.toleratedBytes
    guard allocatedBytes > expected else { return nil }
    return
      "\(source): its file system reports \(dataBytes) bytes of data, but \(allocatedBytes) bytes are "
      + "allocated; either the rest is reserved but unwritten, or data was reported as a hole"
  }
}
