import ArgumentParser
import ChunkFormat
import ChunkStore

/// A secret that is to open a repository from now on.
struct NewSecretOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read the new passphrase from this file: its only line.",
      discussion: "Without any of these three options, varve asks for it twice at the terminal.",
      valueName: "file"),
    completion: .file())
  var newPassphraseFile: String?

  @Option(
    help: ArgumentHelp(
      "Run this with /bin/sh and use its output as the new passphrase.",
      valueName: "command"))
  var newPassphraseCommand: String?

  @Option(
    help: ArgumentHelp(
      "Let this key file open the repository; it is created if it does not exist.",
      valueName: "file"),
    completion: .file())
  var newKeyFile: String?

  @Option(
    help: ArgumentHelp(
      "A label for the key, up to \(Name.maximumBytes) bytes; encrypted like all names.",
      valueName: "text"))
  var label = ""

  mutating func validate() throws {
    if [newPassphraseFile, newPassphraseCommand, newKeyFile].compactMap({ $0 }).count > 1 {
      throw ValidationError(
        "Only one of --new-passphrase-file, --new-passphrase-command and --new-key-file can be "
          + "given.")
    }
    try NameArgument.checkText(label)
    if label.utf8.count > Name.maximumBytes {
      throw ValidationError(
        "A label has at most \(Name.maximumBytes) bytes; this one has \(label.utf8.count).")
    }
  }

  /// Hands `use` the new key, which is asked for where the options do not give it.
  func withNewKey<Result>(
    for repository: String, _ use: (NewKey) throws -> Result
  ) throws -> Result {
    let source =
      newPassphraseFile.map(SecretSource.passphraseFile)
      ?? newPassphraseCommand.map(SecretSource.passphraseCommand)
      ?? newKeyFile.map(SecretSource.keyFile) ?? .prompt
    return try source.withNew(for: repository) { try use(NewKey(secret: $0, label: label)) }
  }
}
