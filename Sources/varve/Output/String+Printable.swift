import FileIO

extension String {
  /// The text with U+FFFD in the place of control characters but line breaks: what comes from a file or
  /// from a client must not move a terminal's cursor, nor say something in another's name. A byte that is no UTF-8 is
  /// shown as `\\xe4`.
  var printable: String {
    let shown = showingEscapedBytes
    guard shown.unicodeScalars.contains(where: Self.isControl) else { return shown }
    var text = ""
    for scalar in shown.unicodeScalars {
      text.unicodeScalars.append(Self.isControl(scalar) ? "\u{fffd}" : scalar)
    }
    return text
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control && scalar != "\n"
  }
}
