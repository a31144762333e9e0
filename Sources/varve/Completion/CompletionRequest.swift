import ArgumentParser
import ChunkFormat

/// What a command line that is being typed can go on with: the place of the cursor in it.
struct CompletionRequest {
  /// What stands at the cursor.
  enum Wanted: Equatable {
    case words([String])
    case value(CompletionSubject)
    case files, directories
    /// A command of the shell, or a word of one.
    case shellCommand
  }

  let wanted: Wanted
  /// The beginning of the word that is not part of what is completed, such as `--overlay=`.
  let prefix: String
  /// The rest of the word, as far as it was typed.
  let text: String
  /// Values of the options that say where things are.
  let options: [String: String]

  /// - Parameter words: of the command line behind the program's name; the last one is not finished.
  init(_ words: [String]) {
    var command: any ParsableCommand.Type = Varve.self
    var arguments = CompletableArgument.all(of: command)
    var (position, pending): (Int, CompletableArgument?) = (0, nil)
    var (options, isAfterTerminator): ([String: String], Bool) = ([:], false)
    for word in words.dropLast() {
      if let option = pending {
        options[option.name] = word
        pending = nil
      } else if word == "--", !isAfterTerminator {
        isAfterTerminator = true
      } else if !isAfterTerminator, word.hasPrefix("-"), word != "-" {
        let (name, value) = Self.split(word)
        let option = CompletableArgument.option(name, among: arguments)
        if let option, let value { options[option.name] = value }
        pending = option?.takesNextWord == true && value == nil ? option : nil
      } else if let next = command.configuration.subcommands.first(where: { $0.answers(to: word) })
      {
        command = next
        arguments = CompletableArgument.all(of: command)
      } else {
        position += 1
      }
    }
    self.options = options
    let word = words.last ?? ""
    let place = Self.place(
      of: word, pending, command, arguments, position, isAfterTerminator: isAfterTerminator)
    (wanted, prefix) = place
    text = String(word.dropFirst(prefix.count))
  }

  private static func place(
    of word: String, _ pending: CompletableArgument?, _ command: any ParsableCommand.Type,
    _ arguments: [CompletableArgument], _ position: Int, isAfterTerminator: Bool
  ) -> (Wanted, String) {
    if let pending { return value(of: pending, word, prefix: "") }
    if word.hasPrefix("-"), !isAfterTerminator {
      let (name, value) = split(word)
      guard value != nil else { return (.words(arguments.flatMap(\.names)), "") }
      guard let option = CompletableArgument.option(name, among: arguments) else {
        return (.words([]), "")
      }
      return Self.value(of: option, word, prefix: name + "=")
    }
    let subcommands = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
    if !subcommands.isEmpty { return (.words(subcommands.flatMap { $0.spellings }), "") }
    let positionals = arguments.filter(\.isPositional)
    if let last = positionals.last, last.isBehindTerminator, isAfterTerminator {
      return (.shellCommand, "")
    }
    guard let last = positionals.last, position < positionals.count || last.isRepeating else {
      return (.words([]), "")
    }
    return value(of: positionals[min(position, positionals.count - 1)], word, prefix: "")
  }

  /// Of a file that can have a name, `NAME=FILE`, only the file is completed.
  private static func value(
    of argument: CompletableArgument, _ word: String, prefix: String
  ) -> (Wanted, String) {
    let text = String(word.dropFirst(prefix.count))
    guard argument.wanted == .files, Name.isValid(split(text).name), split(text).value != nil
    else { return (argument.wanted, prefix) }
    return (.files, "\(prefix)\(split(text).name)=")
  }

  /// `--option=value`.
  private static func split(_ word: String) -> (name: String, value: String?) {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    return (String(parts[0]), parts.count > 1 ? String(parts[1]) : nil)
  }
}

extension ParsableCommand {
  fileprivate static var spellings: [String] { [_commandName] + configuration.aliases }

  fileprivate static func answers(to word: String) -> Bool { spellings.contains(word) }
}
