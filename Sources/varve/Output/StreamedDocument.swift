import FileIO
import JSONText

/// A JSON object one of whose members is an array too long to be held in memory.
struct StreamedDocument {
  private let output: StandardOutput
  private var separator = "{\n  "

  init(_ output: StandardOutput) { self.output = output }

  mutating func member(_ name: String, _ value: JSON) throws(FileError) {
    try output.write("\(separator)\(JSON.string(name).text): \(value.text)")
    separator = ",\n  "
  }

  /// Writes an array member of what `body` hands over.
  mutating func array(
    _ name: String, _ body: ((JSON) throws -> Void) throws -> Void
  ) throws {
    try output.write("\(separator)\(JSON.string(name).text): [")
    var elementSeparator = "\n    "
    try body { element in
      try output.write(elementSeparator + element.text)
      elementSeparator = ",\n    "
    }
    try output.write("]")
    separator = ",\n  "
  }

  func end() throws(FileError) {
    try output.write("\n}\n")
    try output.flush()
  }
}
