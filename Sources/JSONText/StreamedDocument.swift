/// Writes a JSON object part by part. For an object with an array that is too long for memory.
package struct StreamedDocument {
  private var separator = "{\n  "
  private var elementSeparator = "\n    "

  package init() {}

  package mutating func member(_ name: String, _ value: JSON) -> String {
    defer { separator = ",\n  " }
    return "\(separator)\(JSON.string(name).text): \(value.text)"
  }

  /// Begins a member that is an array. Call ``element(_:)`` for each element, then ``endArray()``.
  package mutating func beginArray(_ name: String) -> String {
    defer { separator = ",\n  " }
    elementSeparator = "\n    "
    return "\(separator)\(JSON.string(name).text): ["
  }

  package mutating func element(_ value: JSON) -> String {
    defer { elementSeparator = ",\n    " }
    return elementSeparator + value.text
  }

  package func endArray() -> String { "]" }

  package func end() -> String { "\n}\n" }
}
