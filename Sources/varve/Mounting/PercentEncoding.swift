/// Percent-encoding (RFC 3986, 2.1).
enum PercentEncoding {
  /// Everything but letters, digits and `-._~/` becomes `%` and two digits.
  static func encode(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      let character = Unicode.Scalar(byte)
      if character.isASCII,
        character.properties.isAlphabetic || "0"..."9" ~= character
          || "-._~/".unicodeScalars.contains(character)
      {
        result.unicodeScalars.append(character)
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return result
  }

  /// Nil for what is not encoded as it should be.
  static func decode(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2)
      guard digits.count == 2,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
      else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
