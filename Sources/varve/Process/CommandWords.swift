import Administration
import ChildProcesses

/// A command as it was written behind `varve run … --`.
struct CommandWords {
  private let words: [String]
  /// Named as nbdkit(1) names them with `--run`.
  private let variables: [String: String]

  /// - Parameter socket: where the export that it is for is the default one.
  init(_ words: [String], reaching socket: String) {
    self.words = words
    let uri = ExportURI(socket: socket).description
    variables = ["uri": uri, "unixsocket": socket, "exportname": ""]
  }

  /// One word is the shell's, of several the first is a program.
  var launch: ProcessLaunch {
    var launch = ProcessLaunch(
      words.count == 1 ? ["/bin/sh", "-c", words[0]] : words.map(replacingVariables))
    launch.environment = variables
    return launch
  }

  /// Puts values in the place of `$NAME` and `${NAME}`, as a shell would.
  private func replacingVariables(in word: String) -> String {
    var result = ""
    var rest = word[...]
    while let dollar = rest.firstIndex(of: "$") {
      result += rest[..<dollar]
      rest = rest[dollar...]
      let (name, end) = Self.name(atStartOf: rest)
      result += variables[name] ?? String(rest[..<end])
      rest = rest[end...]
    }
    return result + rest
  }

  /// The name behind the `$` that `text` begins with, and where what belongs to it ends.
  private static func name(atStartOf text: Substring) -> (name: String, end: String.Index) {
    let isBraced = text.dropFirst().first == "{"
    let name = text.dropFirst(isBraced ? 2 : 1)
      .prefix { $0 == "_" || $0.isASCII && ($0.isLetter || $0.isNumber) }
    guard isBraced else { return (String(name), name.endIndex) }
    guard text[name.endIndex...].first == "}" else { return ("", name.endIndex) }
    return (String(name), text.index(after: name.endIndex))
  }
}
