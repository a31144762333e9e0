import Glibc

/// Memory with one owner. It is freed when the owner releases it. Its initial contents are
/// undefined.
struct OwnedBuffer: ~Copyable, @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  init(byteCount: Int) {
    // Page-aligned, so that the kernel copies whole pages.
    bytes = .allocate(byteCount: byteCount, alignment: 4096)
  }

  deinit { bytes.deallocate() }

  subscript(range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[range])
  }
}

/// 1 MiB of zeros, for targets that need zeros to be written as bytes.
package enum Zeros {
  static let limitBytes = 1 << 20
  /// The size of a page, and of a block of most file systems: these allocate at least this much.
  private static let blockBytes = 4096

  nonisolated(unsafe) private static let memory: UnsafeRawBufferPointer = {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: limitBytes, alignment: 4096)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    return UnsafeRawBufferPointer(bytes)
  }()

  /// Calls `write` for each piece of a range, with as many zeros as the piece has bytes.
  package static func forEachPiece<Failure: Error>(
    at offsetBytes: UInt64, lengthBytes: UInt64,
    _ write: (UnsafeRawBufferPointer, UInt64) throws(Failure) -> Void
  ) throws(Failure) {
    try forEachRange(at: offsetBytes, lengthBytes: lengthBytes, limitBytes: UInt64(limitBytes)) {
      offset, length throws(Failure) in
      try write(UnsafeRawBufferPointer(rebasing: memory[..<Int(length)]), offset)
    }
  }
}

extension Zeros {
  /// Calls `body` with each part of a range that is not zero. Parts consist of whole blocks of 4
  /// KiB, but are cut at the ends of the range.
  package static func forEachNonzeroRun<Failure: Error>(
    in range: Range<UInt64>,
    read: (UnsafeMutableRawBufferPointer, UInt64) throws(Failure) -> Void,
    body: (Range<UInt64>) throws(Failure) -> Void
  ) throws(Failure) {
    let buffer = OwnedBuffer(byteCount: limitBytes)
    var offset = range.lowerBound
    while offset < range.upperBound {
      // Pieces end at the end of a block, so that no block is examined in two parts.
      let limit = UInt64(limitBytes) - offset % UInt64(blockBytes)
      let count = Int(min(limit, range.upperBound - offset))
      let piece = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
      try read(piece, offset)
      try forEachNonzeroRun(UnsafeRawBufferPointer(piece), at: offset, body)
      offset += UInt64(count)
    }
  }

  private static func forEachNonzeroRun<Failure: Error>(
    _ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64,
    _ body: (Range<UInt64>) throws(Failure) -> Void
  ) throws(Failure) {
    var run: Range<UInt64>?
    var start = 0
    while start < bytes.count {
      let intoBlock = Int((offsetBytes + UInt64(start)) % UInt64(blockBytes))
      let end = min(start + blockBytes - intoBlock, bytes.count)
      if memcmp(bytes.baseAddress! + start, memory.baseAddress!, end - start) != 0 {
        let first = run?.lowerBound ?? offsetBytes + UInt64(start)
        run = first..<offsetBytes + UInt64(end)
      } else if let found = run.take() {
        try body(found)
      }
      start = end
    }
    if let run { try body(run) }
  }
}

/// Cuts a range into pieces of at most `limitBytes`, and calls `body` with the offset and length of
/// each.
func forEachRange<Failure: Error>(
  at offsetBytes: UInt64, lengthBytes: UInt64, limitBytes: UInt64,
  _ body: (UInt64, UInt64) throws(Failure) -> Void
) throws(Failure) {
  var done: UInt64 = 0
  while done < lengthBytes {
    let length = min(limitBytes, lengthBytes - done)
    try body(offsetBytes + done, length)
    done += length
  }
}
