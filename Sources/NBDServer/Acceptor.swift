import Glibc
import Logging
import NBDProtocol
import NIOCore
import NIOPosix

/// One address that the server listens on.
struct Listener: Sendable {
  let address: NBDServer.ListeningAddress
  private let channel: any Channel
  private let socketFile: UnixSocketFile?

  init(
    address: NBDServer.ListeningAddress, channel: any Channel, socketFile: UnixSocketFile? = nil
  ) {
    self.address = address
    self.channel = channel
    self.socketFile = socketFile
  }

  /// Stops listening and removes the socket file. Blocks until that is done.
  func close() {
    socketFile?.remove()
    try? channel.close().wait()
  }
}

/// Opens listening sockets and sets up the connections that come in.
struct Acceptor {
  /// The number of connections that may wait to be accepted.
  private static let backlog: Int32 = 256
  /// Lets large replies leave in few system calls.
  private static let sendBufferBytes = 2 << 20
  /// The output that a connection holds. Above the high mark, the handler begins no new work.
  private static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(
    low: 1 << 20, high: 4 << 20)

  let group: MultiThreadedEventLoopGroup
  let services: Services

  /// Blocks until the socket listens.
  func listen(on address: ListenAddress) throws -> Listener {
    switch address {
    case .tcp(let host, let port): try listen(host: host, port: port)
    case .unix(let path, let mode, let owner): try listen(path: path, mode: mode, owner: owner)
    case .inherited(let descriptor): try listen(inherited: descriptor)
    }
  }

  private func listen(host: String, port: Int) throws -> Listener {
    let name = NBDServer.ListeningAddress.tcp(host: host, port: port)
    do {
      let channel = try makeTCPBootstrap().bind(host: host, port: port).wait()
      let bound = channel.localAddress
      return Listener(
        address: .tcp(host: bound?.ipAddress ?? host, port: bound?.port ?? port),
        channel: channel)
    } catch {
      let isTaken = (error as? IOError)?.errnoCode == EADDRINUSE
      throw ServerError(
        code: isTaken ? .addressInUse : .system, address: "\(name)",
        reason: isTaken ? "another server listens there" : Self.reason(for: error))
    }
  }

  private func listen(path: String, mode: UInt32, owner: SocketOwner?) throws -> Listener {
    let (file, descriptor) = try UnixSocketFile.listen(
      at: path, mode: mode, owner: owner, backlog: Self.backlog)
    do {
      let channel = try makeBootstrap().withBoundSocket(descriptor).wait()
      return Listener(
        address: .unix(path: Self.absolute(path)), channel: channel, socketFile: file)
    } catch {
      file.remove()
      throw ServerError(code: .system, address: path, reason: Self.reason(for: error))
    }
  }

  /// Makes the path absolute, because clients may run in other directories.
  private static func absolute(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Listens on a socket that the server inherited. The file of an inherited Unix socket belongs to
  /// the process that created it, so the server does not remove it.
  private func listen(inherited descriptor: Int32) throws -> Listener {
    let socket = InheritedSocket(descriptor: descriptor)
    let address = try socket.address()
    do {
      let bootstrap = if case .tcp = address { makeTCPBootstrap() } else { makeBootstrap() }
      return Listener(
        address: address, channel: try bootstrap.withBoundSocket(descriptor).wait())
    } catch {
      throw ServerError(code: .system, address: "\(address)", reason: Self.reason(for: error))
    }
  }

  private static func reason(for error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case let error as SocketAddressError.UnknownHost: error.errorDescription
    default: "\(error)"
    }
  }

  private func makeTCPBootstrap() -> ServerBootstrap {
    makeBootstrap()
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      // Detects a client whose machine has vanished, even if the disk is idle for a long time.
      .childChannelOption(.socketOption(.so_keepalive), value: 1)
  }

  private func makeBootstrap() -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Self.backlog)
      .childChannelOption(.socketOption(.so_sndbuf), value: Self.sendBufferBytes)
      .childChannelOption(.writeBufferWaterMark, value: Self.waterMark)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.autoRead, value: false)
      .childChannelInitializer { [services] channel in Self.initialize(channel, services) }
  }

  private static func initialize(
    _ channel: any Channel, _ services: Services
  ) -> EventLoopFuture<Void> {
    let loop = channel.eventLoop
    let address = ClientAddress.describe(channel)
    guard let record = services.registry.admit(address) else {
      services.reportTurnedAway(address)
      return loop.makeFailedFuture(ChannelError.eof)
    }
    return loop.makeCompletedFuture {
      let handler = ConnectionHandler(services: services, record: record, loop: loop)
      try channel.pipeline.syncOperations.addHandler(handler)
      let bound = NIOLoopBound(handler, eventLoop: loop)
      services.registry.add(
        record, channel,
        ConnectionRegistry.Orders(
          shutDown: { loop.execute { bound.value.shutDown() } },
          dropIfStalled: { loop.execute { bound.value.dropIfStalled() } }))
    }
  }
}
