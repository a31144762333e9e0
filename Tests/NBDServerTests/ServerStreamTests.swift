import NBDTestSupport
import Glibc
import NBDServer
import TestSupport
import Testing

@Suite("Streams against a server", .serialized)
struct ServerStreamTests {
  private static let sizeBytes: UInt64 = 2 << 20

  @Test("every request of a session gets one well-formed reply", arguments: WireStyle.allCases)
  func sessions(_ style: WireStyle) throws {
    let server = try RunningServer(ScratchCatalog(ScratchVolume(sizeBytes: Self.sizeBytes)))
    let count = 20
    for _ in 0..<25 * longTestFactor {
      let seed = UInt64.random(in: .min ... .max)
      var session = RandomSession(sizeBytes: Self.sizeBytes, seed: seed)
      let client = try server.enter(style, over: Bool.random() ? server.unix : server.tcp)
      let requests = session.requests(style, count: count)
      let sending = Sending(requests.bytes + style.request(2, cookie: 0), by: client)
      var reader = WireReader(try client.receiveToEnd())
      #expect(sending.wait())
      var done: [UInt64] = []
      while let reply = reader.reply(style, readBytes: requests.readBytes) {
        if reply.isDone { done.append(reply.cookie) }
      }
      #expect(reader.rest.isEmpty, "seed \(seed)")
      #expect(done.sorted() == Array(1...UInt64(count)), "seed \(seed)")
    }
  }

  @Test("a server survives a thousand hostile streams without growing")
  func hostile() throws {
    let writable = ScratchVolume(sizeBytes: Self.sizeBytes, contexts: ["varve:changed-since:x"])
    let readOnly = MemoryVolume(sizeBytes: Self.sizeBytes, isCached: false) { $0 % 2 == 1 }
    let servers = [
      try RunningServer(ScratchCatalog(writable)) { $0.optionTimeLimit = .milliseconds(500) },
      try RunningServer(readOnly) { $0.optionTimeLimit = .milliseconds(500) },
    ]
    var numbers = SeededRandom()
    var session = RandomSession(sizeBytes: Self.sizeBytes, seed: numbers.seed)
    for _ in 0..<200 { try Self.attack(servers[0], &session, &numbers) }
    let before = residentBytes()
    for round in 0..<1000 * longTestFactor {
      try Self.attack(servers[round % 2], &session, &numbers)
    }
    #expect(hasGrown(since: before, byLessThan: 64 << 20), "\(numbers)")
    for server in servers {
      #expect(eventually { server.server.connections.isEmpty }, "\(numbers)")
      #expect(server.log.all.count <= 70 * longTestFactor)
      let client = try server.enter(.simple)
      client.send(Transmission.request(0, cookie: 1, length: 1))
      #expect(try client.receive(17).count == 17)
    }
  }

  /// Sends a stream and ends the connection in one of several ways.
  private static func attack(
    _ server: RunningServer, _ session: inout RandomSession, _ numbers: inout SeededRandom
  ) throws {
    let client = try RawClient(Bool.random(using: &numbers) ? server.unix : server.tcp)
    // A server stops reading when the client does. That must not block the test.
    client.sendWhatIsTaken(session.hostileStream())
    switch UInt8.random(in: 0..<4, using: &numbers) {
    case 0: client.halfClose()
    case 1: _ = try client.receive(Int.random(in: 0..<18, using: &numbers))
    case 2: client.reset()
    default: break
    }
  }

  @Test("with thousands of connections in every state, a new one is served")
  func thousands() throws {
    let wanted = 2000
    let allowed = allowOpenFiles(UInt(2 * wanted + 300))
    let count = min(wanted, (Int(allowed) - 300) / 2)
    let volume = ScratchVolume(sizeBytes: Self.sizeBytes)
    let server = try RunningServer(ScratchCatalog(volume)) { $0.connectionLimit = wanted + 10 }
    let before = residentBytes()
    let clients = try (0..<count).map { number in
      switch number % 4 {
      case 0: return try server.enter(.extended)
      case 1: return try server.greet()
      case 2:
        let client = try server.enter(.simple)
        client.send(Transmission.request(1, cookie: 1, length: 1 << 20) + [1, 2, 3])
        return client
      default: return try RawClient(server.tcp)
      }
    }
    #expect(eventually { server.server.connections.count == count })
    #expect(hasGrown(since: before, byLessThan: count * (64 << 10)))
    let newcomer = try server.enter(.simple)
    newcomer.send(Transmission.request(0, cookie: 1, length: 1))
    try newcomer.expect(Transmission.simpleReply(cookie: 1) + [0])
    for client in clients { client.reset() }
    #expect(eventually { server.server.connections.count == 1 })
    #expect(volume.deeds.isEmpty)
  }
}
