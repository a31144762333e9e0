internal import CXXHash

/// XXH3-128 of some bytes. It finds damage at the speed of memory; it does not protect against an
/// attacker.
package struct Checksum: Equatable, Sendable {
  static let lengthBytes = 16

  let low: UInt64
  let high: UInt64

  package init(of bytes: UnsafeRawBufferPointer) {
    let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
    (low, high) = (hash.low64, hash.high64)
  }

  package init(of bytes: [UInt8]) {
    self = bytes.withUnsafeBytes { Checksum(of: $0) }
  }

  /// The low 32 bits, for short values.
  package var short: UInt32 { UInt32(truncatingIfNeeded: low) }

  /// Reads the 16 bytes, low word first; the caller has checked that they lie within the buffer.
  init(_ bytes: UnsafeRawBufferPointer, at offsetBytes: Int) {
    low = bytes.loadInteger(at: offsetBytes)
    high = bytes.loadInteger(at: offsetBytes + 8)
  }

  /// Writes the 16 bytes, low word first.
  func store(to bytes: UnsafeMutableRawBufferPointer, at offsetBytes: Int) {
    bytes.storeInteger(low, at: offsetBytes)
    bytes.storeInteger(high, at: offsetBytes + 8)
  }

  /// The 16 bytes, low word first.
  var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.write(low)
    writer.write(high)
    return writer.bytes
  }
}

extension Checksum: CustomStringConvertible {
  /// 32 hexadecimal digits, in the order in which the bytes are stored.
  package var description: String { encoded.withUnsafeBytes { Hexadecimal.encode($0) } }
}
