/// What speaks against a file system's word on where a file has holes (lseek(2), `SEEK_DATA`).
struct HoleContradictions {
  /// 1 MiB: what the file system needs for itself, such as a list of the file's blocks, counts as
  /// allocated, too.
  private static let toleratedBytes: UInt64 = 1 << 20

  /// In holes of which only the one word is known.
  private var unprovenBytes: UInt64 = 0
  /// Where the first blocks are that are written and said to be a hole.
  private var firstWrittenBytes: UInt64?
  private var writtenCount = 0

  /// The file system has no other map of blocks to compare with.
  mutating func noteUnprovenHole(_ lengthBytes: UInt64) { unprovenBytes += lengthBytes }

  /// The file system's map of blocks says that there is content. (FS_IOC_FIEMAP)
  mutating func noteWrittenBlocks(at offsetBytes: UInt64) {
    firstWrittenBytes = firstWrittenBytes ?? offsetBytes
    writtenCount += 1
  }

  /// What the user should know; nil where nothing speaks against the holes.
  ///
  /// - Parameters:
  ///   - sizeBytes: of the file.
  ///   - allocatedBytes: what the file takes, from `st_blocks`. Blocks that are reserved and not
  ///     written count, so this alone proves nothing.
  func warning(
    of source: String, sizeBytes: UInt64, allocatedBytes: UInt64
  ) -> String? {
    if let firstWrittenBytes {
      return
        "\(source): its file system reports holes where its map of blocks has data, in "
        + "\(writtenCount) \(writtenCount == 1 ? "place" : "places"), the first at offset "
        + "\(firstWrittenBytes); they were read"
    }
    guard unprovenBytes > 0 else { return nil }
    let dataBytes = sizeBytes - min(sizeBytes, unprovenBytes)
    let expected = dataBytes + dataBytes / 64 + Self.toleratedBytes
    guard allocatedBytes > expected else { return nil }
    return
      "\(source): its file system reports \(dataBytes) bytes of data, but \(allocatedBytes) bytes are "
      + "allocated; either the rest is reserved and not written, or data was reported as a hole"
  }
}
