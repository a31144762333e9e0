/// Lower-case hexadecimal, the form of file names and revision ids.
package enum Hexadecimal {
  private static let digits = Array("0123456789abcdef".utf8)

  /// Two digits a byte.
  package static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
    String(unsafeUninitializedCapacity: bytes.count * 2) { text in
      for (index, byte) in bytes.enumerated() {
        text[index * 2] = digits[Int(byte >> 4)]
        text[index * 2 + 1] = digits[Int(byte & 15)]
      }
      return bytes.count * 2
    }
  }

  /// The bytes that `text` spells; nil for an odd length or anything but lower-case hexadecimal
  /// digits.
  package static func decode(_ text: some StringProtocol) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: text.utf8.count / 2)
    return bytes.withUnsafeMutableBytes({ decode(text, into: $0) }) ? bytes : nil
  }

  /// Fills `output` with the bytes that `text` spells, and leaves no other copy of them.
  ///
  /// - Returns: false if `text` does not spell exactly that many bytes, or has anything but
  ///   lower-case hexadecimal digits.
  static func decode(
    _ text: some StringProtocol, into output: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard text.utf8.count == output.count * 2 else { return false }
    // A string is usually stored in one piece; reading that piece is much faster.
    return text.utf8.withContiguousStorageIfAvailable { fill(output, with: $0) }
      ?? fill(output, with: text.utf8)
  }

  private static func fill(
    _ output: UnsafeMutableRawBufferPointer, with digits: some Sequence<UInt8>
  ) -> Bool {
    var high: UInt8?
    var index = 0
    for digit in digits {
      guard let value = value(digit) else { return false }
      if let first = high {
        output[index] = first << 4 | value
        index += 1
        high = nil
      } else {
        high = value
      }
    }
    return true
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
