/// A JSON value whose objects keep the order of their keys (RFC 8259).
///
/// Documents for programs have keys in lowerCamelCase with the unit last (`sizeBytes`,
/// `durationSeconds`), full ids, and times as RFC 3339 in UTC. A value that is missing is null; its
/// key is never left out.
package enum JSON: Equatable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  case unsigned(UInt64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object(Members)

  /// The members of an object, in order.
  package struct Members: Sendable, ExpressibleByDictionaryLiteral {
    package let pairs: [(key: String, value: JSON)]

    package init(_ pairs: [(key: String, value: JSON)]) { self.pairs = pairs }

    package init(dictionaryLiteral elements: (String, JSON)...) { pairs = elements.map { $0 } }
  }

  package static func == (left: JSON, right: JSON) -> Bool { left.text == right.text }

  /// A string, or null.
  package static func optional(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }

  package static func strings(_ texts: [String]) -> JSON { .array(texts.map(JSON.string)) }

  /// The document on one line.
  package var text: String {
    var output = ""
    write(to: &output, indentation: nil)
    return output
  }

  /// The document on several lines, indented by two spaces.
  package var indentedText: String {
    var output = ""
    write(to: &output, indentation: 0)
    return output
  }

  private func write(to output: inout String, indentation: Int?) {
    switch self {
    case .null: output += "null"
    case .bool(let value): output += value ? "true" : "false"
    case .integer(let value): output += String(value)
    case .unsigned(let value): output += String(value)
    // Swift writes whole numbers as `5.0`, and large ones as `1e+20`: both are JSON.
    case .number(let value): output += value.isFinite ? value.description : "null"
    case .string(let value): Self.write(value, to: &output)
    case .array(let values):
      Self.write(values, between: "[", "]", to: &output, indentation) { value, output, inner in
        value.write(to: &output, indentation: inner)
      }
    case .object(let members):
      Self.write(members.pairs, between: "{", "}", to: &output, indentation) {
        member, output, inner in
        Self.write(member.key, to: &output)
        output += inner == nil ? ":" : ": "
        member.value.write(to: &output, indentation: inner)
      }
    }
  }

  private static func write<Element>(
    _ elements: [Element], between open: String, _ close: String, to output: inout String,
    _ indentation: Int?, element write: (Element, inout String, Int?) -> Void
  ) {
    let inner = indentation.map { $0 + 2 }
    output += open
    for (index, element) in elements.enumerated() {
      if index > 0 { output += "," }
      breakLine(&output, inner)
      write(element, &output, inner)
    }
    if !elements.isEmpty { breakLine(&output, indentation) }
    output += close
  }

  private static func breakLine(_ output: inout String, _ indentation: Int?) {
    guard let indentation else { return }
    output += "\n" + String(repeating: " ", count: indentation)
  }

  private static func write(_ text: String, to output: inout String) {
    output += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      case _ where scalar.isHidden:
        // A character above U+FFFF is written as two escapes (RFC 8259, section 7).
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: output.unicodeScalars.append(scalar)
      }
    }
    output += "\""
  }
}

extension JSON {
  /// A number of seconds, rounded to milliseconds.
  package static func seconds(_ seconds: Double) -> JSON {
    .number((seconds * 1000).rounded() / 1000)
  }
}

extension Unicode.Scalar {
  /// Whether the character is invisible, such as a control or format character. The two joiners,
  /// U+200C and U+200D, do not count: they only shape the characters beside them, and words of some
  /// languages need them.
  package var isHidden: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    case .format: value != 0x200c && value != 0x200d
    default: false
    }
  }
}
