package import FileIO

/// Keeps the page cache as it was while a source is read, or a target is read back. Pages that were
/// in the cache before stay; pages that the reader brought in are dropped after they were read.
///
/// The kernel's readahead reads pages before the reader asks for them. So the state of the cache
/// must be examined well ahead of the reader:
///
///     ◀─ dropped ▶│◀ kept ▶│ reading │◀─ examined, not yet read ───▶│ not examined
///                 │  w-1   │    w    │  w+1   …   w+lookahead       │
///
/// Measured on a 512 MiB file that was not cached, with reads of 128 KiB to 8 MiB: never slower
/// than plain reads, and up to twice as fast as `RWF_DONTCACHE` (Linux 6.14), which also does not
/// support block devices.
package struct CacheFootprint {
  /// 8 MiB. Dropping more at a time is not faster, and the pages that were just read may still be
  /// copied.
  private static let windowBytes: UInt64 = 8 << 20
  /// The number of windows to examine ahead: 32 MiB, more than the kernel reads ahead of a
  /// sequential reader.
  private static let lookahead: UInt64 = 4
  /// 128 KiB. If any page of a block was in the cache before, the whole block stays.
  private static let blockBytes = 128 << 10

  /// For each window, by its number: whether each block was in the page cache before.
  private var windows: [UInt64: [Bool]] = [:]

  package init() {}

  /// Call this before a read. Examines the windows ahead, and drops the windows behind.
  package mutating func willRead(
    _ descriptor: borrowing Descriptor, at offsetBytes: UInt64, count: Int, sizeBytes: UInt64
  ) {
    let first = offsetBytes / Self.windowBytes
    // Examining costs 10 µs per MiB. After a jump, the kernel reads ahead only a little.
    let hasJumped = first > 0 && windows[first] == nil
    let last =
      (offsetBytes + UInt64(count)) / Self.windowBytes + (hasJumped ? 1 : Self.lookahead)
    for window in first...last where windows[window] == nil {
      guard window * Self.windowBytes < sizeBytes else { break }
      windows[window] = Self.residency(of: window, descriptor, sizeBytes: sizeBytes)
    }
    for window in windows.keys where window + 1 < first || window > last {
      letGo(of: window, descriptor)
    }
  }

  /// Call this after the last read. Drops all remaining windows.
  package mutating func leave(_ descriptor: borrowing Descriptor) {
    for window in windows.keys { letGo(of: window, descriptor) }
  }

  private static func residency(
    of window: UInt64, _ descriptor: borrowing Descriptor, sizeBytes: UInt64
  ) -> [Bool] {
    let start = window * windowBytes
    let length = Int(min(windowBytes, sizeBytes - start))
    let blocks = try? descriptor.residentBlocks(
      at: start, lengthBytes: length, blockBytes: blockBytes)
    // If this cannot be examined, assume that nothing was cached: usually nobody else reads the
    // data that a backup reads.
    return blocks ?? Array(repeating: false, count: (length + blockBytes - 1) / blockBytes)
  }

  private mutating func letGo(of window: UInt64, _ descriptor: borrowing Descriptor) {
    guard let wasResident = windows.removeValue(forKey: window) else { return }
    let start = window * Self.windowBytes
    var block = 0
    while block < wasResident.count {
      let end = wasResident[block...].firstIndex { $0 != wasResident[block] } ?? wasResident.count
      if !wasResident[block] {
        descriptor.advise(
          .notNeeded, at: start + UInt64(block * Self.blockBytes),
          lengthBytes: UInt64((end - block) * Self.blockBytes))
      }
      block = end
    }
  }
}
