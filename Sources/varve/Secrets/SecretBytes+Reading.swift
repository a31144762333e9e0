import ChunkFormat
import FileIO
import Glibc
import SystemPackage

extension SecretBytes {
  /// The bytes that `Swift/String/init(escaping:)` made `text` of.
  convenience init(_ text: String) {
    let bytes = text.unescapedBytes
    self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
  }

  /// The bytes of an environment variable, which need not be UTF-8; none where it is not set.
  static func ofVariable(_ name: String) -> SecretBytes {
    guard let value = getenv(name) else { return SecretBytes("") }
    return SecretBytes(copying: UnsafeRawBufferPointer(start: value, count: strlen(value)))
  }

  /// All that `descriptor` gives up to its end; nil where that is more than `limitBytes`.
  static func reading(
    _ descriptor: borrowing Descriptor, limitBytes: Int
  ) throws(Errno) -> SecretBytes? {
    var count = 0
    // One more than the limit tells whether there is more.
    let buffer = try SecretBytes(count: limitBytes + 1) { buffer throws(Errno) in
      while count < buffer.count {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
        let step = try descriptor.readNext(into: rest)
        if step == 0 { break }
        count += step
      }
    }
    return count <= limitBytes ? buffer.prefix(count) : nil
  }

  /// The first `count` bytes.
  func prefix(_ count: Int) -> SecretBytes {
    withUnsafeBytes { SecretBytes(copying: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }

  /// The bytes without the end of the line, where they end in one.
  func withoutLineEnd() -> SecretBytes {
    let end = withUnsafeBytes { bytes in
      guard bytes.last == UInt8(ascii: "\n") else { return bytes.count }
      let isCarriageReturn = bytes.dropLast().last == UInt8(ascii: "\r")
      return bytes.count - (isCarriageReturn ? 2 : 1)
    }
    return prefix(end)
  }

  /// The bytes, of which ``withoutLineEnd()`` makes these.
  func withLineEndKept() -> SecretBytes {
    withUnsafeBytes { bytes in
      guard bytes.last == UInt8(ascii: "\n") else { return self }
      return SecretBytes(count: bytes.count + 1) { copy in
        copy.copyMemory(from: bytes)
        copy[bytes.count] = UInt8(ascii: "\n")
      }
    }
  }

  func equals(_ other: SecretBytes) -> Bool {
    withUnsafeBytes { left in other.withUnsafeBytes { right in left.elementsEqual(right) } }
  }
}
