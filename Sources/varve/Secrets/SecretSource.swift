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
    case .environment: .passphrase(SecretBytes.ofVariable(Self.passphraseVariable))
    case .prompt: .passphrase(try PassphrasePrompt().ask("Passphrase of \(name): "))
    }
  }

  /// Hands `use` a secret that is to open the repository `name` from now on. A passphrase is asked for
  /// twice; a key file is created where there is none, and removed again where `use` fails.
  ///
  /// - Throws: ``Failure`` for a passphrase that is not the same wherever it comes from; what `use`
  ///   throws.
  func withNew<Result>(for name: String, _ use: (UnlockSecret) throws -> Result) throws -> Result {
    switch self {
    case .prompt: return try use(.passphrase(try PassphrasePrompt().askForNew(repository: name)))
    case .keyFile(let path):
      return try SecretFile(path: path).withKeyMadeIfMissing { try use(.keyFile($0)) }
    default:
      let secret = try read(for: name)
      if let fault = PassphraseFault(in: secret.bytes) {
        throw Failure(.invalidRequest, "\(fault) (from \(description)); choose another passphrase")
      }
      return try use(secret)
    }
  }

  /// What is worth saying of a passphrase that does not open a repository; nil for what looks like any
  /// other.
  static func doubt(about secret: UnlockSecret) -> String? {
    guard case .passphrase(let bytes) = secret else { return nil }
    return PassphraseFault(in: bytes).map(\.description)
  }

  private var description: String {
    switch self {
    case .passphraseFile(let path): "the file \(path)"
    case .passphraseCommand(let command): "the command '\(command)'"
    case .keyFile(let path): "the key file \(path)"
    case .environment: Self.passphraseVariable
    case .prompt: "the terminal"
    }
  }
}
