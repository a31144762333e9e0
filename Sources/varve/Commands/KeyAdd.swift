import Administration
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
    try KeyAdditionRequest.check(repository)
    let outcome = try new.withNewKey(for: repository.root.string) {
      try KeyAdditionRequest($0).run(on: repository, context: .ofProgram())
    }
    try json.print(outcome.json, orLines: [outcome.id.description])
  }
}
