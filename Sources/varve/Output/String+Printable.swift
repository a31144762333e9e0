import FileIO
import JSONText

extension String {
  /// The text on one line, with escapes in the place of whatever moves a terminal's cursor, breaks a
  /// line, is not seen, or turns the direction of writing: `\\n`, `\\u{1b}`, `\\u{202e}`. What comes from
  /// a disk or a client must not say something in another's name. A byte that is no UTF-8 is shown as `\\xe4`.
  var printable: String { escaped { _ in false } }

  /// The same for a text that may have several lines: those behind the first begin with two spaces, so
  /// that none passes for a message of its own.
  var printableLines: String {
    guard contains(where: \.isNewline) else { return printable }
    return printableText.replacing("\n", with: "\n  ")
  }

  /// The same with its lines as they are, for a text that this program laid out.
  var printableText: String { escaped { $0 == "\n" } }

  private func escaped(keeping isKept: (Unicode.Scalar) -> Bool) -> String {
    let shown = showingEscapedBytes
    guard shown.unicodeScalars.contains(where: { $0.isHidden && !isKept($0) }) else { return shown }
    var text = ""
    for scalar in shown.unicodeScalars {
      if scalar.isHidden, !isKept(scalar) {
        text += scalar.escape
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

extension Unicode.Scalar {
  fileprivate var escape: String {
    switch self {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    default: "\\u{\(String(value, radix: 16))}"
    }
  }
}
