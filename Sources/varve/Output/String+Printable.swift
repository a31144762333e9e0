extension String {
  /// The text with U+FFFD in the place of control characters but line breaks: what comes from a file or
  /// from a client must not move a terminal's cursor, nor say something in another's name.
  var printable: String {
    guard unicodeScalars.contains(where: Self.isControl) else { return self }
    var text = ""
    for scalar in unicodeScalars {
      text.unicodeScalars.append(Self.isControl(scalar) ? "\u{fffd}" : scalar)
    }
    return text
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control && scalar != "\n"
  }
}
