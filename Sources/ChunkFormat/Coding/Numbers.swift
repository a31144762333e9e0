// Every integer of the format is little-endian and unaligned.

extension UnsafeRawBufferPointer {
  /// The integer at `offsetBytes`; the caller has checked that it lies within the buffer.
  @inline(__always)
  func loadInteger<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ type: Integer.Type = Integer.self, at offsetBytes: Int
  ) -> Integer {
    Integer(littleEndian: loadUnaligned(fromByteOffset: offsetBytes, as: Integer.self))
  }

  /// The part `range`; the caller has checked that it lies within the buffer.
  @inline(__always)
  func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[range])
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Stores the integer at `offsetBytes`; the caller has checked that there is room.
  @inline(__always)
  func storeInteger<Integer: FixedWidthInteger & BitwiseCopyable>(
    _ value: Integer, at offsetBytes: Int
  ) {
    storeBytes(of: value.littleEndian, toByteOffset: offsetBytes, as: Integer.self)
  }

  /// Copies `bytes` to `offsetBytes`; the caller has checked that there is room.
  @inline(__always)
  func store(_ bytes: UnsafeRawBufferPointer, at offsetBytes: Int) {
    UnsafeMutableRawBufferPointer(rebasing: self[offsetBytes..<offsetBytes + bytes.count])
      .copyMemory(from: bytes)
  }
}

// A file may state the largest number there is, and sums may exceed it. Values that are only shown
// are held at the maximum.

extension UInt64 {
  /// The sum, or 2^64 - 1 where it is greater.
  package func saturatingAdding(_ other: UInt64) -> UInt64 {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? .max : sum
  }

  /// The whole part of the number: 2^64 - 1 if it is greater, 0 if it is negative or not a number.
  package init(saturating number: Double) {
    self = number >= 0x1p64 ? .max : number > 0 ? UInt64(number) : 0
  }
}

extension Sequence<UInt64> {
  /// The sum, or 2^64 - 1 where it is greater.
  package func saturatingSum() -> UInt64 { reduce(0) { $0.saturatingAdding($1) } }
}
