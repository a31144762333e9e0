import Administration
import ArgumentParser
import JSONText

/// An option, a flag or an argument, as the parser describes it.
struct CompletableArgument {
  /// Without hyphens.
  let name: String
  /// With hyphens; none where it has no name on the command line.
  let names: [String]
  let isPositional: Bool
  let isRepeating: Bool
  let isBehindTerminator: Bool
  /// Whether its value is the next word.
  let takesNextWord: Bool
  let wanted: CompletionRequest.Wanted

  /// Those of a command; the ones that stand before any command where it has subcommands.
  static func all(of command: any ParsableCommand.Type) -> [CompletableArgument] {
    // A list of subcommands takes no option of the repository itself, but lets one stand before them.
    let described =
      command.configuration.subcommands.isEmpty ? described(command) : described(BeforeCommand.self)
    return described.compactMap(CompletableArgument.init)
  }

  static func option(
    _ name: String, among arguments: [CompletableArgument]
  ) -> CompletableArgument? {
    arguments.first { $0.names.contains(name) }
  }

  private static func described(_ command: any ParsableCommand.Type) -> [JSON] {
    // Only this command: to describe all of them takes longer than anybody waits for a completion.
    JSON(parsing: command._dumpHelp())?["command"]?["arguments"]?.elements ?? []
  }

  private init?(_ described: JSON) {
    guard described["shouldDisplay"] == .bool(true), let kind = described["kind"]?.string else {
      return nil
    }
    names = (described["names"]?.elements ?? []).compactMap { name in
      name["name"]?.string.map { (name["kind"]?.string == "short" ? "-" : "--") + $0 }
    }
    name = described["preferredName"]?["name"]?.string ?? described["valueName"]?.string ?? ""
    isPositional = kind == "positional"
    isRepeating = described["isRepeating"] == .bool(true)
    isBehindTerminator = described["parsingStrategy"]?.string == "postTerminator"
    takesNextWord = kind == "option" && !Arguments.hasDefault("--" + name)
    wanted = Self.wanted(described, name)
  }

  private static func wanted(_ described: JSON, _ name: String) -> CompletionRequest.Wanted {
    if let subject = CompletionSubject(argument: name) { return .value(subject) }
    let kind = described["completionKind"]
    if kind?["file"] != nil { return .files }
    if kind?["directory"] != nil { return .directories }
    if kind?["shellCommand"] != nil { return .shellCommand }
    let values = kind?["list"]?["values"] ?? described["allValues"]
    return .words((values?.elements ?? []).compactMap(\.string))
  }
}

/// The options that may stand before a subcommand.
private struct BeforeCommand: ParsableCommand {
  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions
}

/// What an argument names that a repository has.
enum CompletionSubject: Equatable {
  case revision, job, tag, overlay, pin, key

  /// - Parameter argument: the name of an option without hyphens, or what help calls an argument.
  init?(argument: String) {
    switch argument {
    case "revision", "revisions", "old", "new": self = .revision
    case "job", "jobs": self = .job
    case "tag", "tags", "keep-tag": self = .tag
    case "overlay", "name": self = .overlay
    case "pin", "pins": self = .pin
    case "id": self = .key
    default: return nil
    }
  }
}
