import Administration
import ArgumentParser
import ChunkFormat
import ChunkStore

struct Protect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Keep revisions from being pruned or forgotten.",
    usage: "varve protect <revision> ... [<options>]",
    discussion: """
      Until 'varve unprotect' is run, a protected revision is kept whatever a policy says, and \
      'varve forget' refuses it. 'varve revisions' shows which revisions are protected.

        varve protect web01@latest
        varve protect web01@tag:before-upgrade db01@2026-11-20
      """)

  @OptionGroup var chosen: ProtectionArguments

  mutating func run() throws { try chosen.mark(isProtected: true) }
}

struct Unprotect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Let revisions be pruned and forgotten again.",
    usage: "varve unprotect <revision> ... [<options>]",
    discussion: "  varve unprotect web01@tag:before-upgrade")

  @OptionGroup var chosen: ProtectionArguments

  mutating func run() throws { try chosen.mark(isProtected: false) }
}

/// The revisions that are protected, or no longer.
struct ProtectionArguments: ParsableArguments {
  @Argument(
    help: "One or more revisions, such as web01@latest.", transform: NameArgument.revision)
  var revisions: [RevisionReference]

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws { try NameArgument.checkWhole(revisions) }

  /// Marks all of them, or, where one does not exist, none.
  func mark(isProtected: Bool) throws {
    let outcome = try ProtectionRequest(revisions, protects: isProtected).run(on: repository.open())
    outcome.notices.warn()
    for change in outcome.changes {
      Console.shared.message("\(change.text): \(change.entry.oneLine)")
    }
    if let failure = outcome.failure { throw failure }
    if json.isWanted { try StandardOutput().document(outcome.json) }
  }
}

extension ProtectionOutcome.Change {
  fileprivate var text: String {
    switch (isProtected, isChange) {
    case (true, true): "protected"
    case (true, false): "protected already"
    case (false, true): "no longer protected"
    case (false, false): "was not protected"
    }
  }
}
