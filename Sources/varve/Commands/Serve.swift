import ArgumentParser
import ChunkStore
import Logging
import NBDProtocol
import NBDServer
import SystemPackage
import VolumeReader

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve revisions as read-only NBD exports.",
    usage: "varve serve [<revision> ...] [--listen <host:port> ...] [--unix <path> ...] [<options>]",
    discussion: """
      The name of an export is that of a revision, as everywhere: web01@latest, db01@2/vdb, or an \
      id. It is looked up when a client connects, and the client stays with that revision, even \
      when it is forgotten meanwhile; a revision that is made while the server runs is there at \
      once.

        varve serve
        nbdinfo nbd://localhost/web01@latest
        nbd-client -N web01@latest localhost /dev/nbd0

        varve serve --unix /run/varve.sock
        qemu-img convert 'nbd+unix:///web01@latest?socket=/run/varve.sock' \\
          web01.qcow2

      With revisions as arguments nothing else is exported; the bare name of a job stands for all \
      revisions of it. Where that comes to a single volume, clients need not name it:

        varve serve web01@latest
        nbdcopy nbd://localhost web01.raw
        nbdcopy -- [ varve serve web01@latest ] web01.raw

      The last line starts a server for itself, on a socket that it passes as systemd does. A file \
      system with a journal to replay is mounted with -o ro,noload (ext4) or -o ro,norecovery \
      (XFS), or through a writable layer on the client's side.

      Without TLS, who reaches the address reads every disk. So only this machine does, unless \
      --listen says otherwise. Certificates let clients know the server, and the server its \
      clients:

        varve serve --listen 0.0.0.0:10809 --tls-certificates /etc/varve/pki \\
          --tls-allow backup.example
        nbdinfo 'nbds://backup.example/web01@latest?tls-certificates=/etc/pki/client'

      SIGHUP has certificates and keys read again. SIGINT or SIGTERM end the server; clients get \
      their last replies. 'varve clients' shows who is connected.
      """)

  /// How long clients may take over their last replies.
  private static let gracePeriod = Duration.seconds(3)

  @Argument(
    help: ArgumentHelp(
      "Export only these: a revision, one volume of it, or all revisions of a job.",
      valueName: "revision"),
    transform: NameArgument.revision)
  var revisions: [RevisionReference] = []

  @OptionGroup(title: "Where to listen") var listening: ListeningOptions

  @Flag(help: "Print a URI for each address, by which clients reach it.")
  var printURI = false

  @Option(
    help: ArgumentHelp(
      "Write the process's number to this file as soon as clients can connect.",
      valueName: "file"),
    completion: .file())
  var pidfile: String?

  @Flag(help: "Log connections too, not only what goes wrong.")
  var verbose = false

  @OptionGroup(title: "Encryption") var encryption: TLSOptions
  @OptionGroup(title: "Limits") var limits: ServerLimitOptions
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if pidfile == "" { throw ValidationError("--pidfile wants a path, found ''.") }
  }

  mutating func run() throws {
    let reloading = TLSReloading()
    Interruption.shared.onHangUp { reloading.reload() }
    let inherited = try InheritedSocket.takeAll()
    let repository = try repository.open()
    let catalog = try catalog(of: repository)
    var configuration = ServerConfiguration(addresses: listening.addresses(beside: inherited))
    configuration.tls = encryption.settings
    limits.apply(to: &configuration)
    let server = try NBDServer.start(
      configuration: configuration, catalog: catalog, logger: logger)
    reloading.begin(with: server)
    let pidfile = pidfile.map(PIDFile.init)
    do {
      publishStatus(of: server, catalog, repository, configuration)
      try pidfile?.write()
      try announce(server, catalog, repository, isQuiet: !inherited.isEmpty)
      Interruption.shared.wait()
    } catch {
      server.stop(gracePeriod: Self.gracePeriod)
      throw error
    }
    server.stop(gracePeriod: Self.gracePeriod)
    pidfile?.remove()
    if inherited.isEmpty || verbose {
      Console.shared.message("stopped by \(Interruption.shared.signalName)")
    }
  }

  private var logger: Logger {
    var logger = Logger(label: "varve") { _ in MessageLog() }
    logger.logLevel = verbose ? .debug : .notice
    return logger
  }

  private func catalog(of repository: Repository) throws -> RevisionCatalog {
    var fetching = ChunkFetcher.Limits()
    fetching.cacheBytes = Int(limits.cacheSize.bytes)
    let catalog = try RevisionCatalog(
      repository: repository, references: revisions, environment: RepositoryEnvironment(),
      limits: fetching)
    try catalog.checkReferences()
    return catalog
  }

  /// Serving is worth more than telling about it.
  private func publishStatus(
    of server: NBDServer, _ catalog: RevisionCatalog, _ repository: Repository,
    _ configuration: ServerConfiguration
  ) {
    guard let directory = RuntimeDirectory() else { return }
    let status = ServerStatus(
      server: server, catalog: catalog, repository: repository.root.string,
      configuration: configuration)
    do {
      try directory.make()
      try server.publishStatus(at: directory.ownSocket) { Array(status.document().text.utf8) }
    } catch {
      Console.shared.warning("'varve clients' will not show this server: \(error)")
    }
  }

  /// - Parameter isQuiet: whoever passed the sockets knows where they are.
  private func announce(
    _ server: NBDServer, _ catalog: RevisionCatalog, _ repository: Repository, isQuiet: Bool
  ) throws {
    for warning in server.tlsWarnings { Console.shared.warning(warning) }
    if !isQuiet || verbose {
      for address in server.listeningAddresses {
        Console.shared.message("serving \(repository.root) on \(address)")
      }
    }
    guard printURI else { return }
    let hasDefault = try catalog.hasDefaultExport()
    let output = StandardOutput()
    for address in server.listeningAddresses {
      let uri = ExportURI(
        address: address, exportName: hasDefault && revisions.count == 1 ? revisions[0].text : "",
        tls: encryption.settings?.policy ?? .off,
        user: server.tlsUsers.count == 1 ? server.tlsUsers[0] : nil)
      try output.line(uri.description)
    }
    try output.flush()
  }
}
