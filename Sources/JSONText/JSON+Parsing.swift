extension JSON {
  /// The deepest nesting of values that is read.
  private static let depthLimit = 32

  /// Reads a document; nil if `text` is not JSON (RFC 8259), or is nested more than 32 deep.
  package init?(parsing text: some StringProtocol) {
    var parser = Parser(rest: Array(text.utf8)[...])
    guard let value = parser.value(depth: Self.depthLimit), parser.isAtEnd else { return nil }
    self = value
  }

  /// The member of an object called `key`; nil if there is none, or if this is not an object.
  package subscript(_ key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.pairs.first { $0.key == key }?.value
  }

  /// The elements of an array; empty for any other value.
  package var elements: [JSON] {
    if case .array(let elements) = self { elements } else { [] }
  }

  package var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The value as a whole number that is not negative; nil for any other value.
  package var count: UInt64? {
    switch self {
    case .unsigned(let value): value
    case .integer(let value): UInt64(exactly: value)
    default: nil
    }
  }

  package var double: Double? {
    switch self {
    case .number(let value): value
    case .unsigned(let value): Double(value)
    case .integer(let value): Double(value)
    default: nil
    }
  }

  private struct Parser {
    var rest: ArraySlice<UInt8>

    var isAtEnd: Bool {
      mutating get {
        skipSpace()
        return rest.isEmpty
      }
    }

    mutating func value(depth: Int) -> JSON? {
      skipSpace()
      guard depth > 0, let first = rest.first else { return nil }
      switch first {
      case UInt8(ascii: "{"): return object(depth: depth - 1)
      case UInt8(ascii: "["): return array(depth: depth - 1)
      case UInt8(ascii: "\""): return string().map(JSON.string)
      case UInt8(ascii: "t"): return take("true") ? .bool(true) : nil
      case UInt8(ascii: "f"): return take("false") ? .bool(false) : nil
      case UInt8(ascii: "n"): return take("null") ? .null : nil
      default: return number()
      }
    }

    private mutating func object(depth: Int) -> JSON? {
      var members: [(key: String, value: JSON)] = []
      let isComplete = sequence("{", "}") { parser in
        parser.skipSpace()
        guard let key = parser.string(), parser.takeAfterSpace(":"),
          let value = parser.value(depth: depth)
        else { return false }
        members.append((key, value))
        return true
      }
      return isComplete ? .object(Members(members)) : nil
    }

    private mutating func array(depth: Int) -> JSON? {
      var elements: [JSON] = []
      let isComplete = sequence("[", "]") { parser in
        guard let value = parser.value(depth: depth) else { return false }
        elements.append(value)
        return true
      }
      return isComplete ? .array(elements) : nil
    }

    /// Reads elements between `open` and `close`, with commas between them.
    private mutating func sequence(
      _ open: String, _ close: String, element: (inout Parser) -> Bool
    ) -> Bool {
      guard take(open) else { return false }
      if takeAfterSpace(close) { return true }
      while element(&self) {
        if takeAfterSpace(close) { return true }
        guard takeAfterSpace(",") else { return false }
      }
      return false
    }

    private mutating func number() -> JSON? {
      let digits = rest.prefix { "+-.0123456789eE".utf8.contains($0) }
      rest = rest.dropFirst(digits.count)
      let text = String(decoding: digits, as: UTF8.self)
      if let value = UInt64(text) { return .unsigned(value) }
      if let value = Int64(text) { return .integer(value) }
      return Double(text).map(JSON.number)
    }

    private mutating func string() -> String? {
      guard take("\"") else { return nil }
      var bytes: [UInt8] = []
      while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
        case UInt8(ascii: "\\"):
          guard let scalar = escaped() else { return nil }
          bytes += String(scalar).utf8
        default: bytes.append(byte)
        }
      }
      return nil
    }

    /// Reads the part of an escape after the backslash.
    private mutating func escaped() -> Unicode.Scalar? {
      switch rest.popFirst() {
      case UInt8(ascii: "n"): "\n"
      case UInt8(ascii: "r"): "\r"
      case UInt8(ascii: "t"): "\t"
      case UInt8(ascii: "b"): "\u{8}"
      case UInt8(ascii: "f"): "\u{c}"
      case UInt8(ascii: "u"): scalar()
      case let byte? where "\"\\/".utf8.contains(byte): Unicode.Scalar(byte)
      default: nil
      }
    }

    private mutating func scalar() -> Unicode.Scalar? {
      guard let first = codeUnit() else { return nil }
      guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
      guard take("\\u"), let second = codeUnit(), UTF16.isTrailSurrogate(second) else {
        return nil
      }
      return UTF16.decode(UTF16.EncodedScalar([first, second]))
    }

    private mutating func codeUnit() -> UInt16? {
      let digits = rest.prefix(4)
      rest = rest.dropFirst(4)
      return digits.count == 4 ? UInt16(String(decoding: digits, as: UTF8.self), radix: 16) : nil
    }

    private mutating func skipSpace() { rest = rest.drop { " \t\r\n".utf8.contains($0) } }

    private mutating func takeAfterSpace(_ text: String) -> Bool {
      skipSpace()
      return take(text)
    }

    private mutating func take(_ text: String) -> Bool {
      guard rest.starts(with: text.utf8) else { return false }
      rest = rest.dropFirst(text.utf8.count)
      return true
    }
  }
}
