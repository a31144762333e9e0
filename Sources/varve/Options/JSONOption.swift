import ArgumentParser
import JSONText

/// Whether a program reads what the command prints.
struct JSONOption: ParsableArguments {
  @Flag(
    name: .customLong("json"),
    help: """
      Print one JSON document: an array for a list, else an object. Sizes are in bytes, times in \
      UTC (RFC 3339), ids in full.
      """)
  var isWanted = false
}

extension JSONOption {
  /// Prints `document` where a program reads it, else `lines`.
  func print(_ document: @autoclosure () -> JSON, orLines lines: [String]) throws {
    let output = StandardOutput()
    if isWanted { return try output.document(document()) }
    for line in lines { try output.line(line) }
    try output.flush()
  }
}
