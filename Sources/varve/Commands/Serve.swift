import ArgumentParser
import ChunkStore
import Logging
import NBDServer
import VolumeReader

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve every revision as a read-only NBD export.",
    usage: "varve serve [--listen <host:port> ...] [--unix <path> ...] [<options>]",
    discussion: """
      The name of an export is that of a revision, as everywhere: web01@latest, db01@2/vdb, or an \
      id. It is looked up when a client connects, and the client stays with that revision. A file \
      system with a journal to replay is mounted with -o ro,noload (ext4) or -o ro,norecovery \
      (XFS), or through a writable layer on the client's side.

        varve serve
        nbdinfo nbd://localhost/web01@latest
        nbd-client -N web01@latest localhost /dev/nbd0

        varve serve --unix /run/varve.sock
        qemu-img convert 'nbd+unix:///web01@latest?socket=/run/varve.sock' \\
          web01.qcow2

      There is neither encryption nor a password on the wire: who reaches the address reads every \
      disk. So only this machine does, unless --listen says otherwise. SIGINT or SIGTERM end the \
      server; clients get their last replies.
      """)

  /// How long clients may take over their last replies.
  private static let gracePeriod = Duration.seconds(3)

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Listen on this TCP address; can be repeated. Port 0 lets the system choose.",
      discussion: """
        Default: 127.0.0.1:\(ListenAddress.defaultPort), unless --unix is given. An IPv6 address \
        is written in brackets, such as [::1]:\(ListenAddress.defaultPort).
        """,
      valueName: "host:port"))
  var listen: [ListenArgument] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Listen on a Unix socket at this path, for this user only; can be repeated.",
      valueName: "path"),
    completion: .file())
  var unix: [String] = []

  @Option(
    help: ArgumentHelp(
      "The memory that keeps chunks that were read, 1MiB or more.", valueName: "size"))
  var cacheSize = ByteSize(bytes: 64 << 20)

  @Flag(help: "Log connections too, not only what goes wrong.")
  var verbose = false

  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    guard 1 << 20...1 << 40 ~= cacheSize.bytes else {
      throw ValidationError("--cache-size wants 1MiB to 1TiB, found \(cacheSize).")
    }
    if unix.contains("") { throw ValidationError("--unix wants a path, found ''.") }
  }

  mutating func run() throws {
    let repository = try repository.open()
    var logger = Logger(label: "varve") { _ in MessageLog() }
    logger.logLevel = verbose ? .debug : .notice
    var limits = ChunkFetcher.Limits()
    limits.cacheBytes = Int(cacheSize.bytes)
    let catalog = try RevisionCatalog(
      repository: repository, environment: RepositoryEnvironment(), limits: limits)
    let server = try NBDServer.start(
      configuration: ServerConfiguration(addresses: addresses), catalog: catalog, logger: logger)
    for address in server.listeningAddresses {
      Console.shared.message("serving \(repository.root) on \(address)")
    }
    Interruption.shared.wait()
    server.stop(gracePeriod: Self.gracePeriod)
    Console.shared.message("stopped by \(Interruption.shared.signalName)")
  }

  private var addresses: [ListenAddress] {
    let sockets = unix.map { ListenAddress.unix(path: $0) }
    if listen.isEmpty, !sockets.isEmpty { return sockets }
    if listen.isEmpty { return ServerConfiguration().addresses }
    return listen.map { .tcp(host: $0.host, port: $0.port) } + sockets
  }
}
