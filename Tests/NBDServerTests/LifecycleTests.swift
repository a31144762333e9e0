import NBDTestSupport
import Glibc
import Logging
import NBDServer
import TestSupport
import Testing

@Suite("Listening")
struct ListeningTests {
  private let volume = MemoryVolume(sizeBytes: 1 << 20)

  @Test("TCP and a Unix socket serve the same exports")
  func addresses() throws {
    let server = try RunningServer(volume)
    for address in server.server.listeningAddresses {
      let client = try server.enter(over: address)
      client.send(Transmission.request(0, cookie: 1, length: 1))
      try client.expect(
        Transmission.chunk(1, cookie: 1, done: true, .u64(0), .bytes(volume.bytes(0..<1))))
    }
  }

  @Test("TCP connections have TCP_NODELAY and keep-alive")
  func socketOptions() throws {
    let server = try RunningServer(volume)
    let client = try server.enter(over: server.tcp)
    let descriptor = try #require(serverSide(of: client))
    #expect(option(TCP_NODELAY, IPPROTO_TCP, of: descriptor) == 1)
    #expect(option(SO_KEEPALIVE, Int(SOL_SOCKET), of: descriptor) == 1)
  }

  /// The server runs in this process, so its end of a connection is one of this process's
  /// descriptors.
  private func serverSide(of client: RawClient) -> Int32? {
    (0..<1024).first { descriptor in
      var address = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let result = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          getpeername(descriptor, $0, &length)
        }
      }
      return result == 0 && address.sin_family == sa_family_t(AF_INET)
        && UInt16(bigEndian: address.sin_port) == client.localPort
    }
  }

  private func option(_ name: Int32, _ level: Int, of descriptor: Int32) -> Int32 {
    var value: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, Int32(level), name, &value, &length)
    return value
  }

  @Test("without an address nobody can connect; the default port is IANA's")
  func defaults() {
    #expect(ServerConfiguration().addresses.isEmpty)
    #expect(ListenAddress.defaultPort == 10809)
  }

  @Test("by default only the owner can use the socket file", arguments: [nil, 0o666])
  func mode(_ mode: UInt32?) throws {
    let server = try RunningServer(volume) { configuration in
      guard let mode, case .unix(let path, _, _) = configuration.addresses[0] else { return }
      configuration.addresses[0] = .unix(path: path, mode: mode)
    }
    var status = stat()
    #expect(lstat(server.socketPath, &status) == 0)
    #expect(status.st_mode & 0o777 == mode ?? 0o600)
  }

  @Test("the file of a live server is kept, that of a dead one is replaced")
  func staleFile() throws {
    let first = try RunningServer(volume)
    #expect(throws: ServerError.self) { try Self.start(at: first.socketPath) }
    let client = try first.enter()
    client.send(Transmission.request(3, cookie: 1))
    try client.expect(Transmission.chunk(0, cookie: 1, done: true))

    let stale = first.directory + "/stale.sock"
    Self.leaveStaleSocket(at: stale)
    let second = try Self.start(at: stale)
    _ = try RawClient(.unix(path: stale)).expect(Handshake.greeting)
    second.stop(gracePeriod: .seconds(1))
    #expect(access(stale, F_OK) != 0)
  }

  @Test("a server that stops keeps the socket with which another server replaced its own")
  func replacedSocket() throws {
    let first = try RunningServer(volume)
    let path = first.socketPath
    // An administrator does this to start a second server at the same path at once.
    #expect(unlink(path) == 0)
    let second = try Self.start(at: path)
    first.stop(gracePeriod: .milliseconds(10))
    _ = try RawClient(.unix(path: path)).expect(Handshake.greeting)
    second.stop(gracePeriod: .milliseconds(10))
    #expect(access(path, F_OK) != 0)
  }

  @Test("a server that stops keeps a file or link that replaced its socket")
  func replacedByAnother() throws {
    let server = try RunningServer(volume)
    let other = server.directory + "/other.sock"
    #expect(rename(server.socketPath, other) == 0)
    #expect(symlink(other, server.socketPath) == 0)
    server.stop(gracePeriod: .milliseconds(10))
    var status = stat()
    #expect(lstat(server.socketPath, &status) == 0)
    #expect(access(other, F_OK) == 0)
  }

  @Test("a file that is not a socket, or too long a path, is refused")
  func refusedPaths() throws {
    let temporary = try TemporaryDirectory()
    let directory = "\(temporary.path)"
    let path = directory + "/file"
    close(open(path, O_CREAT | O_WRONLY, 0o600))
    let error = #expect(throws: ServerError.self) { try Self.start(at: path) }
    #expect(error?.code == .notASocket)
    #expect(access(path, F_OK) == 0)
    let long = #expect(throws: ServerError.self) {
      try Self.start(at: directory + "/" + String(repeating: "x", count: 120))
    }
    #expect(long?.code == .invalidAddress)
  }

  @Test("an error for a used port names the address")
  func portTaken() throws {
    let server = try RunningServer(volume)
    guard case .tcp(_, let port) = server.tcp else { return }
    let error = #expect(throws: ServerError.self) {
      try NBDServer.start(
        configuration: ServerConfiguration(addresses: [.tcp(host: "127.0.0.1", port: port)]),
        catalog: MemoryCatalog(volumes: [:]), logger: Logger(label: "test"))
    }
    #expect(error?.code == .addressInUse)
    #expect(error?.description.contains("127.0.0.1:\(port)") == true)
  }

  private static func start(at path: String) throws -> NBDServer {
    try NBDServer.start(
      configuration: ServerConfiguration(addresses: [.unix(path: path)]),
      catalog: MemoryCatalog(volumes: [:]),
      logger: Logger(label: "test") { _ in LogKeeper(lines: LogKeeper.Lines()) })
  }

  /// Leaves a socket file like that of a killed server.
  private static func leaveStaleSocket(at path: String) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    close(descriptor)
  }
}

@Suite("The end of a connection")
struct EndOfConnectionTests {
  @Test("after DISC or a half-close the replies come, then the end", arguments: [true, false])
  func replies(_ isDisconnecting: Bool) throws {
    let gate = Gate()
    let volume = MemoryVolume(sizeBytes: 8 << 20, isCached: false, gate: gate)
    let server = try RunningServer(volume)
    let client = try server.enter(.simple)
    client.send(Transmission.request(0, cookie: 1, offset: 5, length: 7 << 20))
    if isDisconnecting {
      client.send(Transmission.request(2, cookie: 0))
    } else {
      client.halfClose()
    }
    gate.open()
    let expected =
      Transmission.simpleReply(cookie: 1) + volume.bytes(5..<5 + 7 << 20)
    #expect(try client.receiveToEnd() == expected)
    #expect(eventually { volume.closeCount == 1 })
  }

  @Test("a client that continues to send still gets its last replies")
  func lastReplies() throws {
    let volume = MemoryVolume(sizeBytes: 8 << 20)
    let server = try RunningServer(volume)
    for _ in 0..<10 {
      let client = try server.enter(.simple, over: server.tcp)
      // If the server closed a TCP socket with unread data, the system would reset it, and the
      // client would lose replies. So the server must read and discard until the client has closed.
      client.send(
        Transmission.request(0, cookie: 1, length: 2 << 20) + Transmission.request(2, cookie: 0)
          + [UInt8](repeating: 0xee, count: 300_000))
      usleep(20_000)
      client.send([0xee])
      let expected = Transmission.simpleReply(cookie: 1) + volume.bytes(0..<2 << 20)
      #expect(try client.receiveToEnd() == expected)
    }
  }

  @Test("a client that does not close is disconnected after a while")
  func lingering() throws {
    let server = try RunningServer(MemoryVolume(sizeBytes: 1 << 20)) {
      $0.closingTimeLimit = .milliseconds(100)
    }
    let client = try server.enter()
    client.send(Transmission.request(2, cookie: 0))
    try client.expectEnd()
    #expect(eventually { server.server.connections.isEmpty })
  }

  @Test("a client that dies with replies in flight leaves nothing behind")
  func death() throws {
    let gate = Gate()
    let volume = MemoryVolume(sizeBytes: 8 << 20, isCached: false, gate: gate)
    let server = try RunningServer(volume)
    for _ in 0..<20 {
      let client = try server.enter()
      for cookie in 0..<40 {
        client.send(Transmission.request(0, cookie: UInt64(cookie), length: 100_000))
      }
    }
    gate.open()
    #expect(eventually { server.server.connections.isEmpty && volume.closeCount == 20 })
    let client = try server.enter()
    client.send(Transmission.request(3, cookie: 1))
    try client.expect(Transmission.chunk(0, cookie: 1, done: true))
  }

  @Test("work that no thread has begun is dropped when its client goes")
  func abandonedWork() throws {
    let gate = Gate()
    let volume = MemoryVolume(sizeBytes: 1 << 20, isCached: false, gate: gate)
    let server = try RunningServer(volume) { $0.readThreadCount = 1 }
    var client: RawClient? = try server.enter()
    for cookie in 0..<40 as Range<UInt64> {
      client?.send(Transmission.request(0, cookie: cookie, length: 4))
    }
    #expect(eventually { server.server.connections.first?.requestCount == 40 })
    #expect(eventually { volume.fetched.count == 1 })
    client?.reset()
    client = nil
    #expect(eventually { server.server.connections.isEmpty })
    gate.open()
    #expect(eventually { volume.closeCount == 1 })
    #expect(volume.fetched.count == 1)
  }

  @Test("waiting quick writes are dropped when their client goes")
  func abandonedQuickWork() throws {
    let gate = Gate()
    let volume = ScratchVolume(sizeBytes: 1 << 20, gate: gate, quickBytes: 4)
    let server = try RunningServer(ScratchCatalog(volume))
    var client: RawClient? = try server.enter()
    for cookie in 0..<40 as Range<UInt64> {
      client?.send(Transmission.request(1, cookie: cookie, offset: cookie, length: 1) + [1])
    }
    #expect(eventually { server.server.connections.first?.requestCount == 40 })
    client?.reset()
    client = nil
    #expect(eventually { server.server.connections.isEmpty })
    gate.open()
    #expect(eventually { volume.closeCount == 1 })
    #expect(volume.deeds.count <= 16, "one batch")
  }

  @Test("a volume stays open during a read whose client has gone")
  func closingWaits() throws {
    let gate = Gate()
    let volume = MemoryVolume(sizeBytes: 1 << 20, isCached: false, gate: gate)
    let server = try RunningServer(volume)
    var client: RawClient? = try server.enter()
    client?.send(Transmission.request(0, cookie: 1, length: 4))
    #expect(eventually { volume.fetched.count == 1 })
    // A request with wrong magic ends the connection at once, with the read still in flight.
    client?.send([UInt8](repeating: 0xff, count: 28))
    try client?.expectEnd()
    client = nil
    #expect(eventually { server.server.connections.isEmpty })
    usleep(20_000)
    #expect(volume.closeCount == 0)
    gate.open()
    #expect(eventually { volume.closeCount == 1 })
  }

  @Test("connections share a volume, and the last one closes it")
  func sharing() throws {
    let volume = MemoryVolume(sizeBytes: 1 << 20)
    let server = try RunningServer(volume)
    var clients = [try server.enter(), try server.enter(), try server.enter()]
    // The catalogue returns the same volume each time. The server closes all but one of them.
    #expect(eventually { volume.closeCount == 2 })
    clients.removeLast(2)
    #expect(eventually { server.server.connections.count == 1 })
    clients[0].send(Transmission.request(3, cookie: 1))
    try clients[0].expect(Transmission.chunk(0, cookie: 1, done: true))
    #expect(volume.closeCount == 2)
    clients = []
    #expect(eventually { volume.closeCount == 3 })
  }
}

@Suite("Shutting down")
struct ShutdownTests {
  @Test("requests in flight are finished, new ones get no answer, then the end")
  func unanswered() throws {
    let gate = Gate()
    let volume = MemoryVolume(sizeBytes: 1 << 20, isCached: false, gate: gate)
    let server = try RunningServer(volume) { $0.holdingTimeLimit = .seconds(60) }
    let client = try server.enter(.simple)
    client.send(Transmission.request(0, cookie: 1, length: 4))
    #expect(eventually { volume.fetched.count == 1 })
    let idle = try server.enter()
    let stopping = Stopping(server)
    try idle.expectEnd()
    usleep(100_000)
    client.send(Transmission.request(0, cookie: 2, length: 4))
    gate.open()
    #expect(
      try client.receiveToEnd() == Transmission.simpleReply(cookie: 1) + volume.bytes(0..<4))
    stopping.wait()
    #expect(volume.fetched.count == 1)
  }

  @Test("if that takes long, new requests are refused; the socket file is removed")
  func drain() throws {
    let gate = Gate()
    let volume = MemoryVolume(sizeBytes: 1 << 20, isCached: false, gate: gate)
    let server = try RunningServer(volume) { $0.holdingTimeLimit = .milliseconds(10) }
    let client = try server.enter(.simple)
    let idle = try server.enter()
    client.send(Transmission.request(0, cookie: 1, length: 4))
    #expect(eventually { volume.fetched.count == 1 })
    let stopping = Stopping(server)
    try idle.expectEnd()
    // The other connection has its own event loop, which may learn of the shutdown later.
    usleep(100_000)
    #expect(access(server.socketPath, F_OK) != 0)
    client.send(Transmission.request(0, cookie: 2, length: 4))
    try client.expect(Transmission.simpleReply(cookie: 2, error: 108))
    gate.open()
    try client.expect(Transmission.simpleReply(cookie: 1) + volume.bytes(0..<4))
    try client.expectEnd()
    stopping.wait()
  }

  @Test("the grace period limits the shutdown even if the storage hangs")
  func bounded() throws {
    let gate = Gate()
    let server = try RunningServer(MemoryVolume(sizeBytes: 1 << 20, isCached: false, gate: gate))
    let client = try server.enter()
    client.send(Transmission.request(0, cookie: 1, length: 4))
    #expect(eventually { server.server.connections.first?.requestCount == 1 })
    let start = ContinuousClock.now
    server.stop(gracePeriod: .milliseconds(200))
    try client.expectEnd()
    #expect(ContinuousClock.now - start < .seconds(3))
    gate.open()
  }
}

/// Stops a server on a separate thread.
final class Stopping {
  private var thread = pthread_t()

  init(_ server: RunningServer) {
    let argument = Unmanaged.passRetained(server).toOpaque()
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<RunningServer>.fromOpaque(argument).takeRetainedValue().stop()
        return nil
      }, argument)
  }

  func wait() { pthread_join(thread, nil) }
}
