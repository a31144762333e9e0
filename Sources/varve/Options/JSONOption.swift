import ArgumentParser

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
