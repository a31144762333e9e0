/// Memory with one owner, freed when the owner lets it go. Its contents are undefined at first.
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

/// 1 MiB of zeros, for targets that must be told zeros byte by byte.
enum Zeros {
  static let limitBytes = 1 << 20

  nonisolated(unsafe) private static let memory: UnsafeRawBufferPointer = {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: limitBytes, alignment: 4096)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    return UnsafeRawBufferPointer(bytes)
  }()

  /// Calls `write` for each piece of a range with that many zeros.
  static func forEachPiece<Failure: Error>(
    at offsetBytes: UInt64, lengthBytes: UInt64,
    _ write: (UnsafeRawBufferPointer, UInt64) throws(Failure) -> Void
  ) throws(Failure) {
    try forEachRange(at: offsetBytes, lengthBytes: lengthBytes, limitBytes: UInt64(limitBytes)) {
      offset, length throws(Failure) in
      try write(UnsafeRawBufferPointer(rebasing: memory[..<Int(length)]), offset)
    }
  }
}

/// Calls `body` with offset and length of each piece of at most `limitBytes` of a range.
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
