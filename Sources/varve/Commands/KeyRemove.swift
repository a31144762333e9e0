import Administration
import ArgumentParser
import ChunkFormat
import ChunkStore

struct KeyRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove a passphrase or key file, but never the last one.",
    usage: "varve key remove <id> [<options>]",
    discussion: """
        varve key list
        varve key remove 5f0c91
      """)

  @Argument(
    help: "The id of the key, or its first digits if they are unambiguous.")
  var id: String

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let outcome = try KeyRemovalRequest(id: id).run(on: repository.open())
    if json.isWanted { try StandardOutput().document(outcome.json) }
    let key = outcome.removed
    Console.shared.message("removed the \(key.method?.description ?? "unusable key") \(key.id)")
  }
}
