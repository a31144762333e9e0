import Administration
import ArgumentParser
import ChunkStore

struct KeyExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Print the keys as text, to store on paper.",
    usage: "varve key export [<options>]",
    discussion: """
      The text opens the repository for ever, even after all passphrases and key files are removed: \
      anybody who has it can read everything. Every line has a checksum, so that typing errors are \
      found. 'varve key import' reads the text, and every command accepts a file with it as \
      --key-file.

        varve key export | lp
        varve key export > /media/stick/varve-paper-key.txt
      """)

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let outcome = try KeyExportRequest().run(on: repository.open())
    let output = StandardOutput()
    if json.isWanted {
      try output.document(outcome.json)
    } else {
      try output.write(outcome.paperKey)
      try output.flush()
    }
    Console.shared.message(
      "anybody who has this text can open the repository; store it safely")
  }
}
