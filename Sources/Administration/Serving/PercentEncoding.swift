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
}
