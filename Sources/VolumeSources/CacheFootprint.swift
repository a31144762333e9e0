package import FileIO

/// Sees to it that reading a source, or a target back, leaves the page cache as it was: what was in it stays, what was
/// not is let go behind the reader.
///
/// The kernel's readahead brings pages in before the reader asks for them, so what was there before
/// must be found out well ahead of it:
///
///     ◀─ let go ─▶│◀ kept ▶│ reading │◀─ looked at, not yet read ──▶│ not looked at
///                 │  w-1   │    w    │  w+1   …   w+lookahead       │
///
/// Measured on a cold 512 MiB file, in reads of 128 KiB to 8 MiB: never slower than plain reads, and
/// up to twice as fast as `RWF_DONTCACHE` (Linux 6.14), which besides does not know block devices.
package struct CacheFootprint {
  /// 8 MiB. Letting go of more at a time is no faster, and what was just read may still be copied.
  private static let windowBytes: UInt64 = 8 << 20
  /// 32 MiB, above what the kernel reads ahead of a sequential reader.
  private static let lookahead: UInt64 = 4
  /// 128 KiB: a block any page of which was in the cache stays whole.
  private static let blockBytes = 128 << 10

  /// By window number, whether each block was in the page cache before.
  private var windows: [UInt64: [Bool]] = [:]

  package init() {}

  /// Before a read: looks at what lies ahead, lets go of what lies behind.
  package mutating func willRead(
    _ descriptor: borrowing Descriptor, at offsetBytes: UInt64, count: Int, sizeBytes: UInt64
  ) {
    let first = offsetBytes / Self.windowBytes
    // Looking costs 10 µs a MiB; after a jump, the kernel reads ahead little.
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

  /// After the last read.
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
    // Where it cannot be found out, nothing was there: a backup reads what nobody else does.
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
