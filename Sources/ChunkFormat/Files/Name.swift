/// The rule for names that people give: of jobs, volumes and tags (format, "Names").
///
/// A name has 1 to 200 bytes of UTF-8. It has no white space, no control or invisible characters
/// and none of `@ / = : ,`, which separate the parts of references and lists, and does not begin
/// with `-` or `.`. The rule checks Unicode scalars one by one, so a separator followed by a
/// combining mark is still a separator. It lists the scalars itself: Unicode properties change
/// between versions, and a valid name must stay valid for ever.
package enum Name {
  package static let maximumBytes = 200
  private static let separators = Set<Unicode.Scalar>("@/=:,".unicodeScalars)

  /// Whether `text` is a valid name.
  package static func isValid(_ text: String) -> Bool {
    guard 1...maximumBytes ~= text.utf8.count, let first = text.unicodeScalars.first, first != "-",
      first != "."
    else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      !separators.contains(scalar) && !isBlank(scalar) && !isInvisible(scalar)
    }
  }

  /// The rule, in words for a user whose name was refused.
  package static let rule =
    "a name has 1 to \(maximumBytes) bytes, no spaces or control characters, none of the characters "
    + "\"@/=:,\", and does not begin with \"-\" or \".\""

  /// Whether `text` can be a file name and can be shown on a terminal: 1 to 255 bytes, neither `.`
  /// nor `..`, no `/` and no control or invisible characters.
  static func isFileName(_ text: String) -> Bool {
    1...255 ~= text.utf8.count && text != "." && text != ".."
      && text.unicodeScalars.allSatisfy { $0 != "/" && !isInvisible($0) }
  }

  /// Controls, line and paragraph separators, and characters that change the text direction or take
  /// no room. A name with one of them could look like another name, or control the terminal.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1f, 0x7f...0x9f, 0xad, 0x61c, 0x180e, 0x200b...0x200f, 0x2028...0x202e,
      0x2060...0x206f, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe007f:
      true
    default: false
    }
  }

  private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20, 0xa0, 0x1680, 0x2000...0x200a, 0x202f, 0x205f, 0x3000: true
    default: false
    }
  }

  static func check(_ text: String, in structure: String) throws(FormatError) -> String {
    guard isValid(text) else {
      throw FormatError(
        .invalidValue, in: structure, "\(text.debugDescription) is not a valid name: \(rule)")
    }
    return text
  }
}
