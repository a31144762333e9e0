import ArgumentParser
import ChildProcesses
import ChunkFormat
import ChunkStore
import FileIO
import SystemPackage

/// Where the repository is.
struct RepositoryLocation: ParsableArguments {
  static let variable = "VARVE_REPOSITORY"

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "The repository's directory.",
      discussion: "Default: $VARVE_REPOSITORY, else the current directory.",
      valueName: "directory"),
    completion: .directory)
  var repository: String?

  /// The option, the environment, or the current directory, in that order.
  var path: FilePath { FilePath(escaped: repository ?? Environment[Self.variable] ?? ".") }

  mutating func validate() throws {
    if repository == "" { throw ValidationError("--repository needs a directory, found ''.") }
  }
}

/// Who opens an encrypted repository.
struct SecretOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read the passphrase from this file, which must contain a single line.",
      discussion: """
        An encrypted repository is opened with --key-file, or with the passphrase of \
        --passphrase-file, --passphrase-command or $VARVE_PASSPHRASE. Otherwise varve asks for the \
        passphrase at the terminal.
        """,
      valueName: "file"),
    completion: .file())
  var passphraseFile: String?

  @Option(
    help: ArgumentHelp(
      "Run this with /bin/sh and use its output as the passphrase.", valueName: "command"),
    completion: .shellCommand("compgen -c"))
  var passphraseCommand: String?

  @Option(
    help: ArgumentHelp("Open the repository with this key file or paper key.", valueName: "file"),
    completion: .file())
  var keyFile: String?

  /// What the options say; nil where they say nothing.
  var given: SecretSource? {
    passphraseFile.map(SecretSource.passphraseFile)
      ?? passphraseCommand.map(SecretSource.passphraseCommand)
      ?? keyFile.map(SecretSource.keyFile)
  }

  /// What the options or the environment say; nil leaves the prompt.
  var givenOrInEnvironment: SecretSource? {
    given ?? (Environment[SecretSource.passphraseVariable] == nil ? nil : .environment)
  }

  mutating func validate() throws {
    let options = [passphraseFile, passphraseCommand, keyFile].compactMap { $0 }
    if options.count > 1 {
      throw ValidationError(
        "Only one of --passphrase-file, --passphrase-command and --key-file can be given.")
    }
  }
}

/// A repository, and who opens it.
struct RepositoryOptions: ParsableArguments {
  private static let promptAttempts = 3

  @OptionGroup var location: RepositoryLocation
  @OptionGroup var secret: SecretOptions

  /// Opens the repository; a passphrase that was mistyped may be typed again.
  ///
  /// - Throws: `StoreError`, and ``Failure`` where a secret is given for a repository that is not
  ///   encrypted: it may be another than the one that was meant.
  func open() throws -> Repository { try openKeepingSecret().repository }

  /// The same, with the secret that opened it, for another process that is to open it, too.
  func openKeepingSecret() throws -> (repository: Repository, secret: UnlockSecret?) {
    let path = location.path
    let source = secret.givenOrInEnvironment
    var attempts = 0
    while true {
      attempts += 1
      var used: UnlockSecret?
      do {
        let repository = try Repository.open(at: path, environment: .local) {
          let secret = try (source ?? .prompt).read(for: path.string)
          used = secret
          return secret
        }
        if let source, !repository.configuration.isEncrypted { throw notEncrypted(path, source) }
        for warning in repository.warnings { Console.shared.warning(warning) }
        return (repository, used)
      } catch let error as StoreError where error.code == .wrongKey {
        guard source == nil, attempts < Self.promptAttempts else {
          let doubt = used.flatMap(SecretSource.doubt).map { "; \($0)" } ?? ""
          throw Failure(
            .wrongKey, "cannot open the repository \(path): \(error.textWithRemedies)\(doubt)")
        }
        Console.shared.message("\(error.textWithRemedies); try again")
      }
    }
  }

  private func notEncrypted(_ path: FilePath, _ source: SecretSource) -> Failure {
    let given =
      switch source {
      case .passphraseFile, .passphraseCommand, .prompt: "a passphrase is given"
      case .keyFile: "a key file is given"
      case .environment: "\(SecretSource.passphraseVariable) is set"
      }
    return Failure(
      .invalidRequest,
      "the repository \(path) is not encrypted, but \(given): check that it is the intended one; to "
        + "use it, leave the secret out")
  }
}
