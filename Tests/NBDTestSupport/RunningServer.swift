package import Logging
package import NBDServer
import Synchronization
package import TestSupport

/// Keeps what is logged.
package struct LogKeeper: LogHandler {
  package final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    package init() {}

    package var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
  }

  let lines: Lines
  package var metadata: Logger.Metadata = [:]
  package var logLevel = Logger.Level.debug

  package init(lines: Lines) { self.lines = lines }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) { lines.append("\(event.level): \(event.message)") }
}

/// A server on a Unix socket and on a TCP port of the system's choice, stopped when it goes.
package final class RunningServer {
  package let server: NBDServer
  package let directory: String
  private let temporary: TemporaryDirectory
  package let log = LogKeeper.Lines()
  private var isStopped = false

  package var socketPath: String { directory + "/nbd.sock" }
  package var unix: NBDServer.ListeningAddress { server.listeningAddresses[0] }
  package var tcp: NBDServer.ListeningAddress { server.listeningAddresses[1] }

  package convenience init(
    _ volume: MemoryVolume, configure: (inout ServerConfiguration) -> Void = { _ in }
  ) throws {
    try self.init(MemoryCatalog(volumes: ["disk": volume]), configure: configure)
  }

  package init(
    _ catalog: some ExportCatalog, configure: (inout ServerConfiguration) -> Void = { _ in }
  ) throws {
    temporary = try TemporaryDirectory()
    directory = "\(temporary.path)"
    var configuration = ServerConfiguration(addresses: [
      .unix(path: directory + "/nbd.sock"), .tcp(host: "127.0.0.1", port: 0),
    ])
    configure(&configuration)
    let lines = log
    server = try NBDServer.start(
      configuration: configuration, catalog: catalog,
      logger: Logger(label: "test") { _ in LogKeeper(lines: lines) })
  }

  deinit {
    if !isStopped { stop(gracePeriod: .milliseconds(10)) }
  }

  package func stop(gracePeriod: Duration = .seconds(60)) {
    isStopped = true
    server.stop(gracePeriod: gracePeriod)
  }

  /// A client that may say which export it wants.
  package func greet(over address: NBDServer.ListeningAddress? = nil) throws -> RawClient {
    let client = try RawClient(address ?? unix)
    client.send(Handshake.fixedNewstyleNoZeroes)
    try client.expect(Handshake.greeting)
    return client
  }

  /// A client in the transmission phase of the export `disk`.
  package func enter(
    _ style: WireStyle = .structured, over address: NBDServer.ListeningAddress? = nil
  ) throws -> RawClient {
    let client = try greet(over: address)
    if let option = style.option {
      client.send(Handshake.option(option))
      try client.expect(Handshake.acknowledgement(option))
      client.send(Handshake.contexts(10, "disk", ["base:allocation"]))
      _ = try client.receive(20 + 4 + 15 + 20)
    }
    client.send(Handshake.choose(7, "disk"))
    _ = try client.receive(20 + 12 + 20)
    return client
  }
}
