import Administration
import ArgumentParser
import ChunkFormat
import ChunkStore
import FileIO
import SystemPackage

struct Init: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Create a repository.",
    usage: "varve init [<directory>] [<options>]",
    discussion: """
      The directory is created if it does not exist; one that contains other files is refused. Chunk \
      size and encryption cannot be changed later.

        varve init /srv/varve
        varve init /srv/varve --encrypt passphrase
        varve init /srv/varve --encrypt keyfile --key-file /root/varve.key

      Anyone who steals an encrypted repository can see sizes, counts and times, but no contents \
      or names. Without a passphrase or key file nobody can open it: run 'varve key export' and \
      store the printout safely. 'varve key add' adds further passphrases and key files.
      """)

  @Argument(
    help: ArgumentHelp(
      "The directory of the new repository.",
      discussion: "Default: --repository, else $VARVE_REPOSITORY, else the current directory.",
      valueName: "directory"),
    completion: .directory)
  var directory: String?

  @Option(
    help: ArgumentHelp(
      "Encrypt all contents and names; opened with a passphrase or a key file.",
      discussion: """
        The passphrase comes from --passphrase-file, --passphrase-command or $VARVE_PASSPHRASE; \
        otherwise varve asks for it twice. The key file is created if it does not exist.
        """))
  var encrypt: EncryptionMethod?

  @Option(
    help: ArgumentHelp(
      "The chunk size: a power of two from 64KiB to 4MiB.",
      discussion: "Smaller chunks save space on small changes; larger ones make the index smaller.",
      valueName: "size"),
    transform: ByteSize.reading)
  var chunkSize = ByteSize(bytes: UInt64(RepositoryConfiguration.standardChunkSizeBytes))

  @Option(
    help: ArgumentHelp(
      "How new chunks are compressed: zstd:LEVEL with a level from -7 to 19, or none.",
      discussion: """
        Levels below 0 are zstd's fast ones. 'varve config set --compression' changes it later.
        """,
      valueName: "method"),
    transform: CompressionMethod.reading)
  var compression = CompressionMethod.standard

  @OptionGroup var json: JSONOption
  @OptionGroup var options: RepositoryOptions

  mutating func validate() throws {
    if let directory, let option = options.location.repository, directory != option {
      throw ValidationError(
        "Two directories given: '\(directory)' and --repository '\(option)'; use one of them.")
    }
    guard chunkSize.bytes <= UInt64(Int.max),
      RepositoryConfiguration.isValid(chunkSizeBytes: Int(chunkSize.bytes))
    else {
      throw ValidationError(
        "--chunk-size must be a power of two from 64KiB to 4MiB, found \(chunkSize).")
    }
    try validateSecret()
  }

  private func validateSecret() throws {
    switch (encrypt, options.secret.given) {
    case (.keyfile, nil):
      throw ValidationError(
        "--encrypt keyfile needs --key-file FILE; the file is created if it does not exist.")
    case (.keyfile, .passphraseFile), (.keyfile, .passphraseCommand):
      throw ValidationError("--encrypt keyfile takes --key-file FILE, not a passphrase.")
    case (.passphrase, .keyFile):
      throw ValidationError("--encrypt passphrase takes a passphrase, not --key-file.")
    case (nil, .some):
      throw ValidationError(
        "A passphrase or key file is given; add --encrypt passphrase or --encrypt keyfile.")
    default: break
    }
  }

  mutating func run() throws {
    let path = directory.map { FilePath(escaped: $0) } ?? options.location.path
    if encrypt == nil, options.secret.givenOrInEnvironment != nil {
      throw UsageFailure(
        "\(SecretSource.passphraseVariable) is set, but --encrypt passphrase is not given; unset it "
          + "to create an unencrypted repository")
    }
    var settings = RepositorySettings()
    settings.chunkSizeBytes = Int(chunkSize.bytes)
    settings.compression = compression
    guard encrypt != nil else { return try report(create(at: path, settings, firstKey: nil)) }
    let source = options.secret.givenOrInEnvironment ?? .prompt
    let outcome = try source.withNew(for: path.string) {
      try create(at: path, settings, firstKey: NewKey(secret: $0, label: ""))
    }
    try report(outcome)
  }

  private func create(
    at path: FilePath, _ settings: RepositorySettings, firstKey: NewKey?
  ) throws -> CreationOutcome {
    try CreationRequest(settings, firstKey: firstKey).run(
      at: path, environment: .local, context: .ofProgram())
  }

  private func report(_ outcome: CreationOutcome) throws {
    if json.isWanted { try StandardOutput().document(outcome.json) }
    let (root, configuration) = (outcome.repository.root, outcome.repository.configuration)
    let encryption =
      switch outcome.encryption {
      case .keyFile: "encrypted with a key file"
      case .passphrase: "encrypted with a passphrase"
      case nil: "not encrypted"
      }
    Console.shared.message(
      "created the repository \(root): chunks of \(Quantities.bytes(chunkSize.bytes)), compression "
        + "\(configuration.compression), \(encryption)")
    if outcome.encryption != nil {
      Console.shared.message(
        "run 'varve key export' and store the printout safely: without a key, nothing can be read")
    }
  }
}
