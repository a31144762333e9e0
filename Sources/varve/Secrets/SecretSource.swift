import ChunkFormat
import ChunkStore

/// Where a secret comes from. It never comes from an argument, which every user of the machine could
/// read.
enum SecretSource: Equatable, Sendable {
  case passphraseFile(String)
  case passphraseCommand(String)
  case keyFile(String)
  /// The environment variable ``passphraseVariable``.
  case environment
  /// A person at the terminal.
  case prompt

  static let passphraseVariable = "VARVE_PASSPHRASE"

  /// The secret that opens the repository `name`.
  func read(for name: String) throws -> UnlockSecret {
    switch self {
    case .passphraseFile(let path): .passphrase(try SecretFile(path: path).passphrase())
    case .passphraseCommand(let command): .passphrase(try PassphraseCommand(command).run())
    case .keyFile(let path): .keyFile(try SecretFile(path: path).key())
    case .environment: .passphrase(SecretBytes(Environment[Self.passphraseVariable] ?? ""))
    case .prompt: .passphrase(try PassphrasePrompt().ask("Passphrase of \(name): "))
    }
  }

  /// A secret that is to open the repository `name` from now on: asked for twice, and a key file is
  /// made where there is none.
  func readNew(for name: String) throws -> UnlockSecret {
    switch self {
    case .prompt: return .passphrase(try PassphrasePrompt().askForNew(repository: name))
    case .keyFile(let path):
      try SecretFile(path: path).makeKeyIfMissing()
      return try read(for: name)
    default: return try read(for: name)
    }
  }
}
