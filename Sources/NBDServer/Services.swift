import Logging
import NIOPosix

/// What the connections of one server share.
struct Services: Sendable {
  let configuration: ServerConfiguration
  let catalog: any ExportCatalog
  let exports = SharedExports()
  /// Reads what is not cached.
  let readers: NIOThreadPool
  /// Lists, opens and closes exports.
  let librarians: NIOThreadPool
  let logger: Logger
  let throttle = LogThrottle(limitPerMinute: 60)

  init(configuration: ServerConfiguration, catalog: any ExportCatalog, logger: Logger) {
    self.configuration = configuration
    self.catalog = catalog
    self.logger = logger
    readers = NIOThreadPool(numberOfThreads: configuration.readThreadCount)
    librarians = NIOThreadPool(numberOfThreads: configuration.catalogThreadCount)
    readers.start()
    librarians.start()
  }

  /// Logs what a client caused, unless there was too much of that already.
  func report(
    _ level: Logger.Level, _ message: @autoclosure () -> String, of record: ConnectionRecord
  ) {
    guard logger.logLevel <= level, let suppressed = throttle.admit() else { return }
    var metadata: Logger.Metadata = [
      "connection": "\(record.number)", "client": "\(record.address)",
    ]
    if let export = record.export { metadata["export"] = "\(export)" }
    if suppressed > 0 { metadata["messages-left-out"] = "\(suppressed)" }
    logger.log(level: level, "\(message())", metadata: metadata)
  }
}
