import ArgumentParser
import ChunkFormat
import ChunkStore
import SystemPackage

struct KeyAdd: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Let another passphrase or key file open the repository.",
    usage: "varve key add [<options>]",
    discussion: """
      The repository is opened with an existing key. varve asks for the new passphrase, or takes it \
      from an option that begins with --new. Prints the id of the new key.

        varve key add
        varve key add --new-key-file /root/varve.key --label "the backup host"
      """)

  @OptionGroup var new: NewSecretOptions
  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let repository = try repository.open()
    guard repository.configuration.isEncrypted else {
      throw Failure(
        "the repository \(repository.root) is not encrypted; that is chosen when it is made, with "
          + "'varve init --encrypt'")
    }
    let id = try new.withNewKey(for: repository.root.string) {
      try repository.addKey($0, context: .ofProgram())
    }
    try json.print(new.json(of: id), orLines: [id.description])
  }
}
