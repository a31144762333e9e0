import ArgumentParser
import ChunkStore

struct KeyExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Print the keys as text, to be locked away on paper.",
    usage: "varve key export [<options>]",
    discussion: """
      The text opens the repository for ever, whatever passphrases and key files are removed: \
      whoever has it can read everything. Every line carries a check, so that a slip in typing it \
      back is found. 'varve key import' makes use of it, and every command takes a file with the \
      text as --key-file.

        varve key export | lp
        varve key export > /media/stick/varve-paper-key.txt
      """)

  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func run() throws {
    let text = try repository.open().paperKey()
    let output = StandardOutput()
    if json.isWanted {
      try output.document(.object(["paperKey": .string(text)]))
    } else {
      try output.write(text)
      try output.flush()
    }
    Console.shared.message(
      "whoever has this text can open the repository; keep it under lock and key")
  }
}
