import NBDTestSupport
import Glibc
import Logging
import NBDServer
import SystemPackage
import TestSupport
import Testing

@testable import NBDServer

@Suite("Inherited sockets")
struct InheritedSocketTests {
  private let volume = MemoryVolume(sizeBytes: 1 << 20)

  /// Returns a socket that listens on a port of the system's choice.
  private func listeningSocket() -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    listen(descriptor, 5)
    return descriptor
  }

  @Test("the server accepts clients on an inherited TCP or Unix socket")
  func serving() throws {
    let temporary = try TemporaryDirectory()
    let path = temporary.appending("s").string
    let (_, unix) = try UnixSocketFile.listen(at: path, mode: 0o600, backlog: 5)
    let server = try RunningServer(volume) {
      $0.addresses = [
        .inherited(descriptor: unix), .inherited(descriptor: listeningSocket()),
      ]
    }
    #expect(server.unix == .unix(path: path))
    for address in server.server.listeningAddresses {
      let client = try server.enter(over: address)
      client.send(Transmission.request(0, cookie: 1, length: 1))
      #expect(try client.receiveChunk().cookie == 1)
    }
    // The socket file belongs to the process that created it.
    server.stop()
    #expect(access(path, F_OK) == 0)
  }

  @Test("a descriptor that does not listen is refused")
  func refusal() throws {
    let silent = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let datagrams = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    let file = open("/dev/null", O_RDONLY)
    defer { for descriptor in [silent, datagrams, file] { close(descriptor) } }
    for descriptor in [silent, datagrams, file, 9999] {
      #expect(throws: ServerError.self) {
        try RunningServer(volume) { $0.addresses = [.inherited(descriptor: descriptor)] }
      }
    }
  }

  @Test("the variables apply only to the named process, from descriptor 3 on")
  func variables() throws {
    func descriptors(_ process: String?, _ count: String?) throws -> Range<Int32> {
      try InheritedSocket.descriptors(process: process, count: count, of: 77)
    }
    #expect(try descriptors("77", "2") == 3..<5)
    #expect(try descriptors("78", "2").isEmpty)
    #expect(try descriptors(nil, "2").isEmpty)
    #expect(try descriptors("77", nil).isEmpty)
    #expect(try descriptors("77", "0").isEmpty)
    for count in ["", "x", "-1", "100000", "2 "] {
      #expect(throws: ServerError.self) { try descriptors("77", count) }
    }
  }
}

@Suite("Status of a server")
struct StatusTests {
  @Test("every client gets a newly created document")
  func telling() throws {
    let server = try RunningServer(MemoryVolume(sizeBytes: 1 << 20))
    let path = server.directory + "/status"
    try server.server.publishStatus(at: path) { [server = server.server] in
      Array("\(server.connections.count) clients".utf8)
    }
    #expect(try StatusSocket.read(at: path) == Array("0 clients".utf8))
    let client = try server.enter()
    #expect(try StatusSocket.read(at: path) == Array("1 clients".utf8))
    var status = stat()
    #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    withExtendedLifetime(client) {}
    server.stop(gracePeriod: .milliseconds(100))
    #expect(access(path, F_OK) != 0)
    #expect(try StatusSocket.read(at: path) == nil)
  }

  @Test("the socket of a dead server is removed")
  func stale() throws {
    let directory = try TemporaryDirectory()
    let path = directory.appending("status").string
    let (_, descriptor) = try UnixSocketFile.listen(at: path, mode: 0o600, backlog: 1)
    close(descriptor)
    #expect(try StatusSocket.read(at: path) == nil)
    #expect(access(path, F_OK) != 0)
  }

  @Test("bytes read and written and requests in flight are counted")
  func activity() throws {
    let gate = Gate()
    let volume = MemoryVolume(sizeBytes: 8 << 20, isCached: false, damagedChunk: 63, gate: gate)
    let server = try RunningServer(volume)
    let client = try server.enter(.simple)
    client.send(Transmission.request(0, cookie: 1, length: 3 << 20))
    func activity() throws -> ConnectionRecord.Activity {
      try #require(server.server.connections.first).activity
    }
    #expect(eventually { (try? activity().inFlightCount) == 1 })
    #expect(try activity().readBytes == 0)
    gate.open()
    _ = try client.receive(16 + 3 << 20)
    #expect(eventually { (try? activity().inFlightCount) == 0 })
    let after = try activity()
    #expect(after.readBytes == 3 << 20)
    #expect(after.writtenBytes == 0)
    #expect(after.requestCount == 1)
    #expect(after.latency.count == 1)
    #expect(try #require(after.latency.mean) > 0)
    // A request that fails has transferred nothing.
    client.send(Transmission.request(0, cookie: 2, offset: (8 << 20) - 1, length: 1))
    #expect(try client.receive(16) == Transmission.simpleReply(cookie: 2, error: 5))
    #expect(try activity().requestCount == 2)
    #expect(try activity().readBytes == 3 << 20)
  }
}

@Suite("Owners of sockets")
struct SocketOwnerTests {
  @Test("the socket file gets the given owner", .enabled(if: geteuid() == 0))
  func owner() throws {
    let server = try RunningServer(MemoryVolume(sizeBytes: 1 << 20)) { configuration in
      guard case .unix(let path, _, _) = configuration.addresses[0] else { return }
      configuration.addresses[0] = .unix(
        path: path, mode: 0o660, owner: SocketOwner(user: 1234, group: 5678))
    }
    var status = stat()
    #expect(lstat(server.socketPath, &status) == 0)
    #expect((status.st_uid, status.st_gid) == (1234, 5678))
    #expect(status.st_mode & 0o777 == 0o660)
  }

  @Test("a group without a user does not change the user", .enabled(if: geteuid() == 0))
  func group() throws {
    let server = try RunningServer(MemoryVolume(sizeBytes: 1 << 20)) { configuration in
      guard case .unix(let path, let mode, _) = configuration.addresses[0] else { return }
      configuration.addresses[0] = .unix(
        path: path, mode: mode, owner: SocketOwner(user: nil, group: 5678))
    }
    var status = stat()
    #expect(lstat(server.socketPath, &status) == 0)
    #expect((status.st_uid, status.st_gid) == (geteuid(), 5678))
  }
}
