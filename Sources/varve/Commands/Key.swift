import ArgumentParser

struct Key: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Manage the keys of an encrypted repository.",
    discussion: """
      The contents are encrypted with keys that never change. Each passphrase or key file protects a \
      copy of these keys, so any one of them opens the repository, and adding or removing one \
      changes nothing else. Anybody who once opened the repository may have kept the keys: \
      removing a passphrase does not lock that person out.

        varve key list
        varve key add --label "the night shift"
        varve key remove 5f0c91
        varve key export > paper.txt
        varve key import paper.txt
      """,
    subcommands: [
      KeyAdd.self, KeyRemove.self, KeyList.self, KeyExport.self, KeyImport.self,
    ])

  func run() throws { throw MissingSubcommand(Varve.helpMessage(for: Self.self)) }
}
