import Logging
import NIOPosix

/// The objects that the connections of one server share.
struct Services: Sendable {
  let configuration: ServerConfiguration
  let catalog: any ExportCatalog
  let exports = SharedExports()
  let names = KeptNames()
  let registry: ConnectionRegistry
  let memory: ReplyMemory
  /// Nil if the server does not offer TLS.
  let tls: TLSSource?
  /// The threads for reads that are not cached.
  let readers: NIOThreadPool
  /// The threads that list, open and close exports.
  let librarians: NIOThreadPool
  let logger: Logger
  let throttle = LogThrottle(limitPerMinute: 60)

  /// Creates the services and starts their threads.
  ///
  /// - Throws: ``TLSError`` for unusable credentials.
  init(
    configuration: ServerConfiguration, catalog: any ExportCatalog, logger: Logger
  ) throws(TLSError) {
    self.configuration = configuration
    self.catalog = catalog
    self.logger = logger
    tls = try configuration.tls.map { settings throws(TLSError) in try TLSSource(settings) }
    registry = ConnectionRegistry(limit: configuration.connectionLimit)
    memory = ReplyMemory(
      limitBytes: configuration.replyMemoryBytes, connectionLimit: configuration.connectionLimit)
    readers = NIOThreadPool(numberOfThreads: configuration.readThreadCount)
    librarians = NIOThreadPool(numberOfThreads: configuration.catalogThreadCount)
    readers.start()
    librarians.start()
  }

  /// Opens the export that a name stands for, for this client. Blocks.
  func open(
    _ name: String, for client: ClientIdentity, _ record: ConnectionRecord
  ) throws -> OpenExport? {
    let kept = try names.meaning(of: name, to: client)
    let opened = try kept.map { try catalog.reopen(name, as: $0) } ?? catalog.open(name)
    if let notice = opened?.notice { report(.notice, notice, of: record) }
    return opened.map { OpenExport($0, as: name, of: self) }
  }

  /// Logs an event that a client caused, on one line of limited length. The throttle suppresses the
  /// message if there were too many.
  func report(
    _ level: Logger.Level, _ message: @autoclosure () -> String, of record: ConnectionRecord
  ) {
    guard logger.logLevel <= level, let suppressed = throttle.admit() else { return }
    var metadata: Logger.Metadata = [
      "connection": "\(record.number)", "client": "\(record.address)",
    ]
    let activity = record.activity
    if let export = activity.export { metadata["export"] = "\(export)" }
    if let name = activity.tlsName { metadata["name"] = "\(name)" }
    if suppressed > 0 { metadata["messages-left-out"] = "\(suppressed)" }
    logger.log(level: level, "\(Self.line(message()))", metadata: metadata)
  }

  /// Removes control characters and shortens the message, because clients choose parts of it, such
  /// as names of exports.
  private static func line(_ message: String) -> String {
    let limit = 500
    let scalars = message.unicodeScalars
    let shown = scalars.prefix(limit).map { scalar in
      scalar.properties.generalCategory == .control ? "?" : String(scalar)
    }
    return shown.joined() + (scalars.count > limit ? "…" : "")
  }

  /// Logs that a client was turned away because the connection limit is reached.
  func reportTurnedAway(_ address: String) {
    guard logger.logLevel <= .warning, throttle.admit() != nil else { return }
    logger.warning(
      "turned a client away: \(configuration.connectionLimit) are connected already",
      metadata: ["client": "\(address)"])
  }
}
