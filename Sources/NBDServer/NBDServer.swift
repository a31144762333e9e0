package import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A running NBD server.
///
/// Two event loops read requests, write replies, and answer reads from the cache. A thread pool handles
/// reads of content that is not in the cache. `start(configuration:catalog:logger:)` and ``stop(gracePeriod:)`` block and
/// are meant for a synchronous program.
package final class NBDServer: Sendable {
  /// An address on which the server listens.
  package enum ListeningAddress: Sendable, Equatable, CustomStringConvertible {
    /// `host` is a numeric address. An IPv6 address has no brackets.
    case tcp(host: String, port: Int)
    /// An absolute path, except for an inherited socket that was bound to another path.
    case unix(path: String)

    package var description: String {
      switch self {
      case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
      case .unix(let path): path
      }
    }
  }

  /// How long connections may take to close after the server has cut them.
  private static let closingLimit = TimeAmount.seconds(1)

  /// The addresses in the order of the configuration, with the ports that the system chose.
  package let listeningAddresses: [ListeningAddress]

  private let group: MultiThreadedEventLoopGroup
  private let services: Services
  private let listeners: [Listener]
  private let statusListener = Mutex<Listener?>(nil)

  private init(
    _ group: MultiThreadedEventLoopGroup, _ services: Services, _ listeners: [Listener]
  ) {
    self.group = group
    self.services = services
    self.listeners = listeners
    listeningAddresses = listeners.map(\.address)
  }

  /// The open connections, oldest first.
  package var connections: [ConnectionRecord] { services.registry.records }

  /// The memory of replies beyond the share of each connection, in bytes.
  package var pooledReplyBytes: Int { services.memory.pooledBytes }

  package var usesTLS: Bool { services.tls != nil }

  /// The users with pre-shared keys. Empty with certificates or without TLS.
  package var tlsUsers: [String] { services.tls?.current.users ?? [] }

  /// Problems with credentials that are still usable.
  package var tlsWarnings: [String] { services.tls?.current.warnings ?? [] }

  /// Reads certificates and keys again, for new connections. If this fails, the server keeps the
  /// previous ones. Blocks.
  ///
  /// - Throws: ``TLSError``.
  package func reloadTLS() throws(TLSError) { try services.tls?.reload() }

  /// Starts to listen on all addresses of the configuration. If one fails, the server listens on
  /// none.
  ///
  /// - Throws: ``TLSError`` for unusable credentials, ``ServerError`` for the first address that
  ///   cannot be used.
  package static func start(
    configuration: ServerConfiguration, catalog: any ExportCatalog, logger: Logger
  ) throws -> NBDServer {
    let services = try Services(configuration: configuration, catalog: catalog, logger: logger)
    let group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoopCount)
    let acceptor = Acceptor(group: group, services: services)
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
    return NBDServer(group, services, listeners)
  }

  /// Publishes a status document on a Unix socket that only this user can reach. Every client gets
  /// one document, and then the connection ends. Call this once. Clients use
  /// ``StatusSocket/read(at:)``.
  ///
  /// - Parameters:
  ///   - path: the path of the socket.
  ///   - document: creates the document. Called for each client, on a thread that may block.
  /// - Throws: ``ServerError``.
  package func publishStatus(
    at path: String, _ document: @escaping @Sendable () -> [UInt8]
  ) throws {
    let listener = try StatusSocket.listen(
      at: path, on: group, threads: services.librarians, document)
    statusListener.withLock { $0 = listener }
  }

  /// Calls `body` in this interval until the server stops, on a thread that may block.
  package func every(_ interval: Duration, _ body: @escaping @Sendable () -> Void) {
    let interval = TimeAmount(interval)
    group.next().scheduleRepeatedTask(initialDelay: interval, delay: interval) {
      [librarians = services.librarians] _ in
      librarians.submit { _ in body() }
    }
  }

  /// Stops the server: stops listening, removes socket files, finishes the work in flight, and
  /// closes all connections.
  ///
  /// Meanwhile, new options are refused with ERR_SHUTDOWN. New requests get no answer, so that
  /// clients that reconnect by themselves send them again. If the work in flight takes long, new
  /// requests are refused with ESHUTDOWN. Call this once.
  ///
  /// - Parameter gracePeriod: how long clients may take to receive their last replies. Connections
  ///   that remain after that are cut. Reads that still wait for the storage are abandoned together
  ///   with their threads.
  package func stop(gracePeriod: Duration) {
    for listener in listeners { listener.close() }
    statusListener.withLock { $0.take() }?.close()
    let loop = group.next()
    let limit = TimeAmount(gracePeriod)
    wait(limit, on: loop) { services.registry.shutDown(whenEmpty: $0) }
    wait(Self.closingLimit, on: loop) { services.registry.closeAll(whenEmpty: $0) }
    let areReadersDone = wait(limit, on: loop) { done in
      services.readers.shutdownGracefully { _ in done.succeed() }
    }
    let areLibrariansDone = wait(limit, on: loop) { done in
      services.librarians.shutdownGracefully { _ in done.succeed() }
    }
    // A thread that is still reading will report to its loop, so the loops must stay.
    guard areReadersDone, areLibrariansDone else { return }
    try? group.syncShutdownGracefully()
  }

  /// Waits until the promise that `body` receives is completed, at most for the limit.
  ///
  /// - Returns: whether it was completed in time.
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
