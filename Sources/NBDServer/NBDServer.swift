package import Logging
import NIOCore
import NIOPosix

/// A running NBD server.
///
/// Two event loops carry the bytes and answer from the cache; what has to be read is read on
/// threads of its own. ``start(configuration:catalog:logger:)`` and ``stop(gracePeriod:)``
/// block and are for a synchronous program.
package final class NBDServer: Sendable {
  /// Where clients reach the server.
  package enum ListeningAddress: Sendable, Equatable, CustomStringConvertible {
    /// `host` as a number, an IPv6 address without brackets.
    case tcp(host: String, port: Int)
    case unix(path: String)

    package var description: String {
      switch self {
      case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
      case .unix(let path): path
      }
    }
  }

  /// In the order of the configuration, with the ports that the system chose.
  package let listeningAddresses: [ListeningAddress]

  private let group: MultiThreadedEventLoopGroup
  private let services: Services
  private let registry: ConnectionRegistry
  private let listeners: [Listener]

  private init(
    _ group: MultiThreadedEventLoopGroup, _ services: Services, _ registry: ConnectionRegistry,
    _ listeners: [Listener]
  ) {
    self.group = group
    self.services = services
    self.registry = registry
    self.listeners = listeners
    listeningAddresses = listeners.map(\.address)
  }

  /// The connections that are open now, oldest first.
  package var connections: [ConnectionRecord] { registry.records }

  /// Starts listening on every address of the configuration, or on none.
  ///
  /// - Throws: ``ServerError``, for the first address that cannot be had.
  package static func start(
    configuration: ServerConfiguration, catalog: any ExportCatalog, logger: Logger
  ) throws -> NBDServer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoopCount)
    let services = Services(configuration: configuration, catalog: catalog, logger: logger)
    let registry = ConnectionRegistry(limit: configuration.connectionLimit)
    let acceptor = Acceptor(group: group, services: services, registry: registry)
    var listeners: [Listener] = []
    do {
      for address in configuration.addresses { listeners.append(try acceptor.listen(on: address)) }
    } catch {
      for listener in listeners { listener.close() }
      services.readers.shutdownGracefully { _ in }
      services.librarians.shutdownGracefully { _ in }
      try? group.syncShutdownGracefully()
      throw error
    }
    for listener in listeners {
      logger.info("listening", metadata: ["address": "\(listener.address)"])
    }
    return NBDServer(group, services, registry, listeners)
  }

  /// Stops listening, removes socket files, lets what is in flight finish, and closes everything.
  ///
  /// New options and requests are refused with ERR_SHUTDOWN and ESHUTDOWN meanwhile. To be called
  /// once.
  ///
  /// - Parameter gracePeriod: how long clients may take over their last replies;
  ///   connections that are left then are cut. Reads that the storage still holds then are
  ///   abandoned with their threads.
  package func stop(gracePeriod: Duration) {
    for listener in listeners { listener.close() }
    let loop = group.next()
    let limit = TimeAmount(gracePeriod)
    wait(limit, on: loop) { registry.shutDown(whenEmpty: $0) }
    registry.closeAll()
    let areReadersDone = wait(limit, on: loop) { done in
      services.readers.shutdownGracefully { _ in done.succeed() }
    }
    let areLibrariansDone = wait(limit, on: loop) { done in
      services.librarians.shutdownGracefully { _ in done.succeed() }
    }
    // A thread that is still reading will report to its loop, so that has to stay.
    guard areReadersDone, areLibrariansDone else { return }
    try? group.syncShutdownGracefully()
  }

  /// Waits for the promise that `body` is given, but no longer than the limit.
  ///
  /// - Returns: whether it was kept.
  @discardableResult
  private func wait(
    _ limit: TimeAmount, on loop: any EventLoop, _ body: (EventLoopPromise<Void>) -> Void
  ) -> Bool {
    let kept = loop.makePromise(of: Void.self)
    let either = loop.makePromise(of: Bool.self)
    kept.futureResult.whenSuccess { either.succeed(true) }
    let alarm = loop.scheduleTask(in: limit) {
      either.succeed(false)
      kept.succeed()
    }
    body(kept)
    let isKept = (try? either.futureResult.wait()) ?? false
    alarm.cancel()
    return isKept
  }
}
