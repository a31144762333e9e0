import NBDTestSupport
import Glibc
import NBDProtocol
import SystemPackage
import TestSupport
import Testing

@testable import NBDServer

/// The keys of two users, and the server's file with them.
private struct Keys {
  static let alice = String(repeating: "a1", count: 32)
  static let bob = String(repeating: "b2", count: 32)

  let directory: TemporaryDirectory
  let server: String

  init() throws {
    directory = try TemporaryDirectory(inMemory: true)
    server = directory.appending("server").string
    try write("server", "# Two users.\n\nalice:\(Self.alice)\nbob:\(Self.bob)\n")
  }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> String {
    let path = directory.appending(name).string
    unlink(path)
    try directory.file(name, Array(text.utf8))
    return path
  }

  func settings(_ policy: TLSPolicy = .require, allowed: Set<String> = []) -> TLSSettings {
    TLSSettings(policy: policy, credentials: .preSharedKeys(file: server), allowedNames: allowed)
  }

  func client(_ user: String, _ key: String) throws -> EncryptedClient.Credentials {
    .key(user: user, file: try write("client-\(user)", "\(user):\(key)\n"))
  }
}

@Suite("TLS with pre-shared keys")
struct PreSharedKeyTests {
  private let keys: Keys
  private let volume = MemoryVolume(sizeBytes: 4 << 20)

  init() throws { keys = try Keys() }

  private func server(
    _ policy: TLSPolicy = .require, allowed: Set<String> = [],
    configure: (inout ServerConfiguration) -> Void = { _ in }
  ) throws -> RunningServer {
    try RunningServer(volume) {
      $0.tls = keys.settings(policy, allowed: allowed)
      configure(&$0)
    }
  }

  @Test("a user with a key can read over both kinds of socket and is known by name")
  func reading() throws {
    let server = try server()
    for address in server.server.listeningAddresses {
      let client = try EncryptedClient(keys.client("bob", Keys.bob), address)
      for (offset, count) in [(0, 1), (131_071, 2), (5, 3 << 20)] {
        let expected = volume.bytes(UInt64(offset)..<UInt64(offset + count))
        #expect(try client.read(at: UInt64(offset), count: count) == expected)
      }
      let activity = try #require(server.server.connections.last?.activity)
      #expect(activity.tlsName == "bob")
      #expect(activity.isEncrypted)
      try client.shutDown()
      #expect(eventually { server.server.connections.isEmpty })
    }
  }

  @Test(
    "wrong keys, unknown users and users who are not allowed are refused and logged",
    arguments: [("alice", Keys.bob), ("mallory", Keys.alice), ("alice", Keys.alice)])
  func refusal(user: String, key: String) throws {
    let server = try server(allowed: ["bob"])
    #expect(throws: EncryptedClient.Failure.self) {
      try EncryptedClient(keys.client(user, key), server.unix)
    }
    #expect(eventually { server.log.all.contains { $0.contains("refused TLS to a client") } })
    let bob = try EncryptedClient(keys.client("bob", Keys.bob), server.unix)
    #expect(try bob.read(at: 0, count: 4) == volume.bytes(0..<4))
  }

  @Test("required: no export is shown without TLS; on: TLS is optional")
  func policies() throws {
    let strict = try server(.require).held { try $0.greet() }
    strict.value.send(Handshake.option(3) + Handshake.choose(7, "disk"))
    let list = try strict.value.receive(20)
    #expect(Array(list[12..<16]) == [0x80, 0, 0, 5])
    let mild = try server(.on)
    let client = try mild.enter()
    client.send(Transmission.request(0, cookie: 1, length: 1))
    _ = try client.receiveChunk()
    #expect(mild.server.connections.map(\.activity.isEncrypted) == [false])
    let encrypted = try EncryptedClient(keys.client("bob", Keys.bob), mild.unix)
    #expect(try encrypted.read(at: 0, count: 1).count == 1)
  }

  @Test("a missing or invalid TLS handshake ends the connection")
  func brokenHandshakes() throws {
    let server = try server { $0.optionTimeLimit = .milliseconds(300) }
    let silent = try server.greet()
    silent.send(Handshake.option(5))
    try silent.expect(Handshake.acknowledgement(5))
    let talkative = try server.greet()
    talkative.send(Handshake.option(5))
    try talkative.expect(Handshake.acknowledgement(5))
    talkative.send(Handshake.option(3))
    _ = try talkative.receiveToEnd()
    let start = ContinuousClock.now
    _ = try silent.receiveToEnd()
    #expect(ContinuousClock.now - start < .seconds(3))
    let halfClosed = try server.greet()
    halfClosed.send(Handshake.option(5))
    try halfClosed.expect(Handshake.acknowledgement(5))
    halfClosed.halfClose()
    try halfClosed.expectEnd()
    #expect(eventually { server.server.connections.isEmpty })
    let client = try EncryptedClient(keys.client("bob", Keys.bob), server.unix)
    #expect(try client.read(at: 0, count: 1).count == 1)
  }

  @Test("new connections use the last keys; an invalid file changes nothing")
  func reloading() throws {
    let server = try server()
    let before = try EncryptedClient(keys.client("alice", Keys.alice), server.unix)
    try keys.write("server", "carol:\(Keys.bob)\n")
    try server.server.reloadTLS()
    #expect(server.server.tlsUsers == ["carol"])
    #expect(throws: EncryptedClient.Failure.self) {
      try EncryptedClient(keys.client("alice", Keys.alice), server.unix)
    }
    _ = try EncryptedClient(keys.client("carol", Keys.bob), server.unix)
    try keys.write("server", "carol:short\n")
    #expect(throws: TLSError.self) { try server.server.reloadTLS() }
    _ = try EncryptedClient(keys.client("carol", Keys.bob), server.unix)
    #expect(try before.read(at: 7, count: 9) == volume.bytes(7..<16))
  }

  @Test("under TLS, a client that does not read costs no more and affects no one")
  func slowReader() throws {
    let server = try server()
    let greedy = try EncryptedClient(keys.client("alice", Keys.alice), server.unix)
    try greedy.ask(count: 60, bytes: 1 << 20)
    let polite = try EncryptedClient(keys.client("bob", Keys.bob), server.unix)
    for offset in 0..<50 as Range<UInt64> {
      #expect(try polite.read(at: offset << 12, count: 4096).count == 4096)
    }
    usleep(200_000)
    #expect(try #require(server.server.connections.first?.sentBytes) < 32 << 20)
  }

  @Test("an encrypted connection also ends in good order on shutdown")
  func shuttingDown() throws {
    let server = try server()
    let client = try EncryptedClient(keys.client("bob", Keys.bob), server.unix)
    #expect(try client.read(at: 0, count: 1).count == 1)
    let start = ContinuousClock.now
    server.stop()
    #expect(ContinuousClock.now - start < .seconds(10))
    #expect(throws: EncryptedClient.Failure.self) { try client.read(at: 0, count: 1) }
  }

  @Test(
    "an error in a key file names the line",
    arguments: [
      ("", "no keys"), ("# nothing\n", "no keys"), ("alice\n", "line 1: expected USER:KEY"),
      ("\n:\(Keys.alice)\n", "line 2: expected USER:KEY"),
      ("alice:xyz\n", "line 1: the key of 'alice' is not"),
      ("alice:abc\n", "line 1: the key of 'alice' is not"),
      ("alice:00112233\n", "line 1: the key of 'alice' has 4 bytes"),
      ("alice:\(Keys.alice)\nalice:\(Keys.bob)\n", "line 2: 'alice' already has a key"),
    ])
  func malformedFiles(text: String, reason: String) throws {
    try keys.write("server", text)
    let error = #expect(throws: TLSError.self) { try TLSSource(keys.settings()) }
    #expect(error?.file == keys.server)
    #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains(Keys.alice) == false)
  }

  @Test("a key file that every user can read causes a warning")
  func permissions() throws {
    let before = try TLSSource(keys.settings()).current.warnings
    #expect(before.isEmpty)
    chmod(keys.server, 0o644)
    let warnings = try TLSSource(keys.settings()).current.warnings
    #expect(warnings.map { $0.contains(keys.server) } == [true])
  }
}
