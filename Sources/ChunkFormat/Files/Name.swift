/// The rule for names that people give: of jobs, volumes and tags.
///
/// A name has 1 to 200 bytes of UTF-8, no white space or control characters, none of `@ / = : ,`,
/// which separate the parts of references and lists, and does not begin with `-` or `.`.
package enum Name {
  package static let maximumBytes = 200
  private static let separators = Set<Character>("@/=:,")

  /// Whether `text` may name something.
  package static func isValid(_ text: String) -> Bool {
    guard 1...maximumBytes ~= text.utf8.count, let first = text.first, first != "-", first != "."
    else { return false }
    return text.allSatisfy { character in
      !separators.contains(character) && !character.isWhitespace
        && character.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }
  }

  /// What to tell someone whose name was refused.
  package static let rule =
    "a name has 1 to \(maximumBytes) bytes, no spaces, none of @ / = : , and does not begin "
    + "with - or ."

  static func check(_ text: String, in structure: String) throws(FormatError) -> String {
    guard isValid(text) else {
      throw FormatError(.invalidValue, in: structure, "'\(text)' is no valid name: \(rule)")
    }
    return text
  }
}

/// A moment, in nanoseconds since 1970-01-01 00:00 UTC, leap seconds left out as POSIX does.
package typealias Nanoseconds = Int64
