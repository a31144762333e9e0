import Administration
import ArgumentParser
import ChunkFormat
import ChunkStore
import SystemPackage

struct KeyImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Add a passphrase or key file, using the paper key.",
    usage: "varve key import <file> [<options>]",
    discussion: """
      Use this if every passphrase and key file is lost. Spaces, blank lines and the case of letters \
      do not matter. Prints the id of the new key.

        varve key import paper.txt
        varve key import - --new-key-file /root/varve.key
      """)

  @Argument(
    help: "A file with the text that 'varve key export' printed; - is standard input.",
    completion: .file())
  var file: String

  @OptionGroup var new: NewSecretOptions
  @OptionGroup var json: JSONOption
  @OptionGroup var location: RepositoryLocation

  mutating func run() throws {
    let content = try SecretFile(path: file == "-" ? "/dev/stdin" : file).key()
    let text = content.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    let root = location.path
    // Nothing is asked for or created for a text that opens nothing.
    let paper = try Repository.openedPaperKey(
      text, of: root, environment: .local)
    let outcome = try new.withNewKey(for: root.string) {
      try KeyAdditionRequest($0).run(on: paper, context: .ofProgram())
    }
    try json.print(outcome.json, orLines: [outcome.id.description])
  }
}
