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
