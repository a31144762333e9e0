import Administration
import ArgumentParser
import ChunkStore
import JSONText
import Logging
import NBDProtocol
import NBDServer
import SystemPackage
import VolumeReader

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve revisions as NBD exports.",
    usage: "varve serve [<revision> ...] [--listen <host:port>] [--unix <path>] [<options>]",
    discussion: """
      Exports are named like revisions in all other commands: web01@latest, db01@2/vdb, or an \
      id. The server looks the name up when a client connects. The client keeps that revision, \
      even if it is forgotten meanwhile; new revisions are available at once. A client that \
      reconnects after a broken connection gets the same revision as before. If a name is to be \
      stored, for example in a qcow2 file, use an id: web01@latest changes with the next backup.

        varve serve --daemonize
        nbdinfo 'nbd+unix:///web01@latest?socket=/run/varve/nbd.sock'
        nbd-client -N web01@latest -unix /run/varve/nbd.sock /dev/nbd0
        qemu-img convert 'nbd+unix:///web01@latest?socket=/run/varve/nbd.sock' \\
          web01.qcow2

      The default socket is in /run/varve for root, in $XDG_RUNTIME_DIR/varve for others; only \
      the user who runs the server can connect to it. --unix sets another path, and --listen a \
      TCP address, which every user of this machine can reach, and perhaps others:

        varve serve --listen 127.0.0.1:10809

      With revisions as arguments, only these are exported; the bare name of a job stands for all \
      its revisions. If that leaves a single volume, clients need not name it:

        varve serve web01@latest --unix /run/web01.sock --daemonize
        nbdcopy 'nbd+unix://?socket=/run/web01.sock' web01.raw
        nbdcopy -- [ varve serve web01@latest ] web01.raw

      In the last line, nbdcopy starts a server of its own and passes it a socket as systemd does.

      Exports are read-only by default. With --writable each connection can write, and its writes \
      are discarded when it ends. With --overlay the writes are kept, shared by all connections, and \
      still there when the server is restarted. Revisions never change. On a writable \
      export, a file system can replay its journal:

        varve serve web01@latest --overlay repair
        nbd-client -unix /run/varve/nbd.sock /dev/nbd0
        varve overlay commit repair --tag repaired

      Without TLS, anybody who can reach the address can read every disk. Certificates identify the \
      server to clients, and clients to the server:

        varve serve --listen 0.0.0.0:10809 --tls-certificates /srv/pki/server \\
          --tls-allow web01
        nbdinfo 'nbds://backup.example/web01@0?tls-certificates=/srv/pki/web01'

      On SIGHUP the server reads certificates and keys again, and reopens the log file. SIGINT or \
      SIGTERM stops the server; clients get their last replies. 'varve clients' shows who is \
      connected.
      """)

  /// How long clients may take over their last replies.
  private static let gracePeriod = Duration.seconds(3)
  /// How long at most the server holds the space of packs that were deleted.
  private static let releaseInterval = Duration.seconds(10)

  @Argument(
    help: ArgumentHelp(
      "Export only these: a revision, one volume of it, or all revisions of a job.",
      valueName: "revision"),
    transform: NameArgument.revision)
  var revisions: [RevisionReference] = []

  @OptionGroup(title: "Where to listen") var listening: ListeningOptions

  @Flag(help: "Print the URI of each address, for clients.")
  var printURI = false

  @Flag(
    help: """
      Let clients write; each connection sees only its own writes, which are discarded when it ends.
      """)
  var writable = false

  @Option(
    help: ArgumentHelp(
      "Let clients write, and keep their writes in this overlay.",
      discussion: """
        All connections share it. When the overlay is first used, name its revision as an argument; \
        the overlay stays on that revision, and nothing else is exported. Only one server at a time \
        can use it. 'varve overlay' lists, removes and commits overlays.
        """,
      valueName: "name"),
    transform: NameArgument.overlay)
  var overlay: String?

  @OptionGroup var overlays: OverlayLocation

  @Flag(
    help: ArgumentHelp(
      "Pad each volume with zeros to whole sectors of 512 bytes.",
      discussion: """
        The kernel's NBD client silently cuts off an incomplete last sector. varve attach and mount \
        always pad. Only zeros can be written to the padding.
        """))
  var wholeSectors = false

  @OptionGroup(title: "In the background") var background: BackgroundOptions

  @Flag(help: "Also log connections, not only errors.")
  var verbose = false

  @OptionGroup(title: "Encryption") var encryption: TLSOptions
  @OptionGroup(title: "Limits") var limits: ServerLimitOptions
  @OptionGroup var json: JSONOption
  @OptionGroup var repository: RepositoryOptions

  mutating func validate() throws {
    if writable, overlay != nil {
      throw ValidationError(
        "--writable discards writes and --overlay keeps them; use one of them.")
    }
    if printURI, json.isWanted {
      throw ValidationError("--json already prints the URIs; leave out --print-uri.")
    }
    if overlays.overlayDirectory != nil, !writable, overlay == nil {
      throw ValidationError("--overlay-directory needs --writable or --overlay.")
    }
  }

  mutating func run() throws {
    let reloading = TLSReloading()
    let log = background.logFile.map(LogFile.init)
    try log?.check()
    Interruption.shared.onHangUp {
      do { try log?.open() } catch { Console.shared.warning("\(error)") }
      reloading.reload()
    }
    let inherited = try InheritedSocket.takeAll()
    let repository = try repository.open()
    BackgroundProcess.shared.enterOwnSession()
    let prepared = try request.prepare(on: repository, context: .ofProgram())
    var configuration = ServerConfiguration(addresses: try addresses(beside: inherited))
    configuration.tls = encryption.settings
    limits.apply(to: &configuration)
    let offered = try prepared.open(
      overlays: { try overlays.store(of: repository) },
      temporary: { try overlays.temporary(for: repository) })
    offered.notices.warn()
    let server = try start(configuration, offered)
    reloading.begin(with: server)
    server.every(Self.releaseInterval) { repository.records.releaseDeleted() }
    let pidfile = background.pidfile.map { PIDFile(path: $0) }
    do {
      publishStatus(of: server, offered, repository, configuration)
      try pidfile?.write()
      try announce(server, repository, inherited) { try offered.defaultExportName() }
      try log?.open()
      try BackgroundProcess.shared.becomeReady(hasLog: log != nil)
      Interruption.shared.wait()
    } catch {
      server.stop(gracePeriod: Self.gracePeriod)
      pidfile?.remove()
      offered.overlay?.withdraw()
      throw error
    }
    server.stop(gracePeriod: Self.gracePeriod)
    // Whoever waits for the file to go can have the overlay.
    defer { pidfile?.remove() }
    try offered.close()
    if inherited.isEmpty || verbose {
      Console.shared.message("stopped by \(Interruption.shared.signalName)")
    }
    // SIGTERM is how a service is stopped; an interrupt ends every command alike.
    if Interruption.shared.isInterrupt {
      throw CommandEnding(status: Interruption.shared.exitStatus.rawValue)
    }
  }

  private func addresses(beside inherited: [ListenAddress]) throws -> [ListenAddress] {
    let given = listening.addresses(beside: inherited)
    guard given.isEmpty else { return given }
    guard let directory = RuntimeDirectory() else {
      throw Failure(
        .invalidRequest,
        "no directory for the socket: XDG_RUNTIME_DIR is not set; choose a path with --unix, or a "
          + "TCP address such as --listen 127.0.0.1:\(ListenAddress.defaultPort)")
    }
    try directory.make()
    return [.unix(path: directory.serverSocket)]
  }

  private func start(
    _ configuration: ServerConfiguration, _ offered: OfferedExports
  ) throws -> NBDServer {
    do {
      return try NBDServer.start(
        configuration: configuration, catalog: offered.exports, logger: logger)
    } catch {
      offered.overlay?.withdraw()
      guard let failure = error as? ServerError, failure.code == .addressInUse,
        failure.address == RuntimeDirectory()?.serverSocket
      else { throw error }
      throw Failure(
        .inUse,
        "another server of this user listens on \(failure.address) ('varve clients' lists it); choose "
          + "another path with --unix")
    }
  }

  private var logger: Logger {
    var logger = Logger(label: "varve") { _ in MessageLog() }
    logger.logLevel = verbose ? .debug : .notice
    return logger
  }

  private var request: ServingRequest {
    var request = ServingRequest(revisions)
    request.writing = overlay.map(ServingRequest.Writing.kept) ?? (writable ? .discarded : .refused)
    request.padsSectors = wholeSectors
    request.fetching.cacheBytes = Int(limits.cacheSize.bytes)
    return request
  }

  /// Serving is worth more than telling about it.
  private func publishStatus(
    of server: NBDServer, _ offered: OfferedExports, _ repository: Repository,
    _ configuration: ServerConfiguration
  ) {
    guard let directory = RuntimeDirectory() else { return }
    let status = ServerStatus(
      of: server, offering: offered, configuration: configuration, repository: repository,
      version: Varve.version, context: .ofProgram())
    do {
      try directory.make()
      try server.publishStatus(at: directory.ownSocket) { Array(status.json.text.utf8) }
    } catch {
      Console.shared.warning("'varve clients' will not show this server: \(error)")
    }
  }

  /// - Parameter inherited: whoever passed these sockets knows where they are.
  private func announce(
    _ server: NBDServer, _ repository: Repository, _ inherited: [ListenAddress],
    defaultExport: () throws -> String?
  ) throws {
    for warning in server.tlsWarnings { Console.shared.warning(warning) }
    if inherited.isEmpty || verbose {
      for address in server.listeningAddresses {
        Console.shared.message("serving \(repository.root) on \(address)")
      }
    }
    if listening.isDefault, inherited.isEmpty, let address = server.listeningAddresses.first {
      let uri = ExportURI(
        address: address, exportName: "", tls: encryption.settings?.policy ?? .off)
      Console.shared.message("clients can connect to it, for example: nbdinfo --list '\(uri)'")
    }
    guard printURI || json.isWanted else { return }
    let announcement = ServerAnnouncement(
      of: server, exportName: try defaultExport() ?? "", tls: encryption.settings?.policy ?? .off,
      repository: repository, context: .ofProgram())
    try json.print(
      announcement.json, orLines: announcement.addresses.map(\.uri.description))
  }
}
