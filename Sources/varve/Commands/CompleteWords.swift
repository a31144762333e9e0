import Administration
import ArgumentParser

/// What the scripts of 'varve completion' ask: the first line says what is completed, the second which part
/// of the word stays, all others are the words that it can be completed to.
struct CompleteWords: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "complete-words", abstract: "Complete a command line.",
    discussion: """
      The scripts of 'varve completion' call it:

        varve complete-words -- restore web01@
      """,
    shouldDisplay: false)

  @Argument(parsing: .postTerminator, help: "The words after the program's name.")
  var words: [String] = []

  mutating func run() throws {
    let request = CompletionRequest(words)
    let output = StandardOutput()
    let (kind, candidates) = answer(to: request)
    for line in [kind, request.prefix] + candidates.map({ request.prefix + $0 }) {
      try output.line(line)
    }
    try output.flush()
  }

  private func answer(to request: CompletionRequest) -> (kind: String, [String]) {
    switch request.wanted {
    case .files: return ("files", [])
    case .directories: return ("directories", [])
    case .shellCommand: return ("command", [])
    case .words(let words): return ("words", words.filter { $0.hasPrefix(request.text) })
    case .value(let subject):
      let candidates = CompletionCandidates(options: request.options)
      return ("words", candidates.candidates(for: subject, request.text))
    }
  }
}
