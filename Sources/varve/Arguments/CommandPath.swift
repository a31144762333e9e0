import ArgumentParser

/// Finds the subcommand in a command line.
///
/// Options that many commands have may stand before it, as in `varve -r /srv/varve key list`; the parser
/// wants them behind it.
struct CommandPath {
  private static let valueOptions: Set = [
    "-r", "--repository", "--passphrase-file", "--passphrase-command", "--key-file",
  ]
  private static let flags: Set = ["--json"]

  /// The command line with the subcommand first.
  let arguments: [String]

  /// - Throws: ``UsageFailure`` where there is no such subcommand.
  init(_ words: [String]) throws {
    var (path, options): ([String], [String]) = ([], [])
    var command: any ParsableCommand.Type = Varve.self
    var rest = words[...]
    while !command.configuration.subcommands.isEmpty, let word = rest.first {
      if let length = Self.lengthOfOption(word) {
        options += rest.prefix(length)
        rest = rest.dropFirst(length)
      } else if word.hasPrefix("-") {
        break
      } else if word == Self.help, path.isEmpty {
        try Self.checkHelp(rest.dropFirst())
        break
      } else {
        command = try Self.subcommand(word, of: command, after: path)
        path.append(word)
        rest = rest.dropFirst()
      }
    }
    // Without a subcommand there is nothing that could take the options.
    arguments = path + (command.configuration.subcommands.isEmpty ? options : []) + rest
  }

  private static let help = "help"

  /// How many words an option takes that may stand before the subcommand; nil for any other word.
  private static func lengthOfOption(_ word: String) -> Int? {
    if flags.contains(word) { return 1 }
    if valueOptions.contains(word) { return 2 }
    return valueOptions.contains { word.hasPrefix($0 + "=") } ? 1 : nil
  }

  private static func checkHelp(_ words: ArraySlice<String>) throws {
    var command: any ParsableCommand.Type = Varve.self
    var path: [String] = []
    for word in words where !word.hasPrefix("-") {
      command = try subcommand(word, of: command, after: path)
      path.append(word)
    }
  }

  private static func subcommand(
    _ word: String, of command: any ParsableCommand.Type, after path: [String]
  ) throws -> any ParsableCommand.Type {
    let subcommands = command.configuration.subcommands
    if let found = subcommands.first(where: { $0.names.contains(word) }) { return found }
    let parent = (["varve"] + path).joined(separator: " ")
    let advice =
      CommandSuggestion(for: word, among: subcommands.flatMap { $0.names }).map {
        "did you mean '\(parent) \($0.name)'?"
      } ?? "'\(parent) --help' lists the commands"
    throw UsageFailure("there is no command '\(parent) \(word)'; \(advice)")
  }
}

extension ParsableCommand {
  /// What the command is called on the command line: its name, and its aliases.
  fileprivate static var names: [String] { [_commandName] + configuration.aliases }
}
