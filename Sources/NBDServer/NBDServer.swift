package import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A running NBD server.
///
/// Two event loops carry the bytes and answer from the cache; what has to be read is read on
/// threads of its own. `start(configuration:catalog:logger:)` and ``stop(gracePeriod:)``
/// block and are for a synchronous program.
package final class NBDServer: Sendable {
  /// Where clients reach the server.
  package enum ListeningAddress: Sendable, Equatable, CustomStringConvertible {
    /// `host` as a number, an IPv6 address without brackets.
    case tcp(host: String, port: Int)
    /// An absolute path, unless the socket was passed and its maker named it otherwise.
    case unix(path: String)

    package var description: String {
      switch self {
      case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
      case .unix(let path): path
      }
    }
  }

  /// How long connections may take over being closed that had to be cut.
  private static let closingLimit = TimeAmount.seconds(1)

  /// In the order of the configuration, with the ports that the system chose.
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

  /// The connections that are open now, oldest first.
  package var connections: [ConnectionRecord] { services.registry.records }

  /// What replies hold beyond what each connection may always hold, in bytes.
  package var pooledReplyBytes: Int { services.memory.pooledBytes }

  package var usesTLS: Bool { services.tls != nil }

  /// Users of pre-shared keys; none where certificates are used, or no TLS.
  package var tlsUsers: [String] { services.tls?.current.users ?? [] }

  /// What is wrong with the credentials, though not so much that they could not be used.
  package var tlsWarnings: [String] { services.tls?.current.warnings ?? [] }

  /// Reads certificates and keys again, for connections that come from now on. Where that fails,
  /// those that were read before stay. Blocks.
  ///
  /// - Throws: ``TLSError``.
  package func reloadTLS() throws(TLSError) { try services.tls?.reload() }

  /// Starts listening on every address of the configuration, or on none.
  ///
  /// - Throws: ``TLSError`` for credentials that cannot be used, ``ServerError`` for the first address
  ///   that cannot be had.
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

  /// Answers on a Unix socket of its own, which only this user can reach: whoever connects is sent
  /// one document, and the end. To be called once; ``StatusSocket/read(at:)`` is the other side.
  ///
  /// - Parameters:
  ///   - path: where the socket is created.
  ///   - document: called each time, on a thread that may block.
  /// - Throws: ``ServerError``.
  package func publishStatus(
    at path: String, _ document: @escaping @Sendable () -> [UInt8]
  ) throws {
    let listener = try StatusSocket.listen(
      at: path, on: group, threads: services.librarians, document)
    statusListener.withLock { $0 = listener }
  }

  /// Calls `body` again and again until the server is stopped, on a thread that may block.
  package func every(_ interval: Duration, _ body: @escaping @Sendable () -> Void) {
    let interval = TimeAmount(interval)
    group.next().scheduleRepeatedTask(initialDelay: interval, delay: interval) {
      [librarians = services.librarians] _ in
      librarians.submit { _ in body() }
    }
  }

  /// Stops listening, removes socket files, lets what is in flight finish, and closes everything.
  ///
  /// New options are refused with ERR_SHUTDOWN meanwhile. New requests are left without an answer, so
  /// that clients that connect anew by themselves send them again; where what is in flight takes long
  /// they are refused with ESHUTDOWN. To be called once.
  ///
  /// - Parameter gracePeriod: how long clients may take over their last replies;
  ///   connections that are left then are cut. Reads that the storage still holds then are
  ///   abandoned with their threads.
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
