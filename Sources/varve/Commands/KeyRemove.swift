import ArgumentParser
import ChunkFormat
import ChunkStore
import JSONText

struct KeyRemove: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Remove a passphrase or key file; the last one stays.",
    usage: "varve key remove <id> [<options>]",
    discussion: """
        varve key list
        varve key remove 5f0c91
      """)

  @Argument(
    help: "The id of the key, or enough of its first digits to be unambiguous.")
  var id: String

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    let slots = try repository.keySlots()
    let found = slots.filter { $0.id.description.hasPrefix(id.lowercased()) }
    guard let slot = found.first else {
      throw Failure(
        .notFound,
        "the repository \(repository.root) has no key '\(id)'; 'varve key list' lists its keys")
    }
    guard found.count == 1 else {
      throw Failure(
        "\(found.count) keys have ids that begin with '\(id)': "
          + found.map { String($0.id.description.prefix(id.count + 8)) }.joined(separator: ", ")
          + "; write more digits")
    }
    try repository.removeKey(slot.id)
    if json.isWanted {
      try StandardOutput().document(
        .object(["id": .string(slot.id.description), "kind": .optional(slot.kind)]))
    }
    Console.shared.message("removed the \(slot.method?.description ?? "unusable key") \(slot.id)")
  }
}
