import VolumeReader
import VolumeMap
import NBDTestSupport
import Glibc
import NBDServer
import TestSupport
import Testing

@Suite("Hostile clients", .serialized)
struct HostileClientTests {
  @Test("a client that does not read its replies does not affect others")
  func slowReader() throws {
    let volume = MemoryVolume(sizeBytes: 64 << 20)
    // Keeps the limit for all connections out of this test.
    let server = try RunningServer(volume) { $0.replyMemoryBytes = 256 << 20 }
    let before = residentBytes()
    let greedy = try (0..<8).map { _ in try server.enter(.simple) }
    for client in greedy {
      for cookie in 0..<100 {
        client.send(Transmission.request(0, cookie: UInt64(cookie), length: 8 << 20))
      }
    }
    let polite = try server.enter()
    for cookie in 0..<100 as Range<UInt64> {
      polite.send(Transmission.request(0, cookie: cookie, offset: cookie << 12, length: 1))
      #expect(try polite.receiveChunk().cookie == cookie)
    }
    #expect(hasGrown(since: before, byLessThan: 128 << 20))
    // Cached answers are slices that need no memory here, so the test also counts the bytes sent.
    let begun = server.server.connections.map(\.sentBytes)
    #expect(begun.allSatisfy { $0 < 32 << 20 }, "\(begun)")
    // A client that starts to read later gets what it requested.
    for cookie in 0..<10 as Range<UInt64> {
      #expect(try greedy[0].receive(16) == Transmission.simpleReply(cookie: cookie))
      #expect(try greedy[0].receive(8 << 20).count == 8 << 20)
    }
  }

  @Test("requests beyond the window are not read from the socket")
  func window() throws {
    let gate = Gate()
    let volume = MemoryVolume(sizeBytes: 1 << 20, isCached: false, gate: gate)
    let server = try RunningServer(volume) {
      $0.inFlightLimitCount = 4
      $0.readThreadCount = 32
    }
    let client = try server.enter()
    let flood = [UInt8]((0..<1000).flatMap { Transmission.request(0, cookie: $0, length: 1) })
    client.send(flood)
    #expect(eventually { volume.fetched.count == 4 })
    usleep(50_000)
    #expect(volume.fetched.count == 4)
    gate.open()
    var cookies: Set<UInt64> = []
    for _ in 0..<1000 { cookies.insert(try client.receiveChunk().cookie) }
    #expect(cookies.count == 1000)
  }

  @Test("connections over the limit are turned away until another one ends")
  func connections() throws {
    let server = try RunningServer(MemoryVolume(sizeBytes: 1 << 20)) { $0.connectionLimit = 2 }
    var clients = [try server.enter(), try server.enter()]
    try RawClient(server.unix).expectEnd()
    clients.removeFirst()
    #expect(eventually { server.server.connections.count == 1 })
    clients.append(try server.enter())
    #expect(clients.count == 2)
  }

  @Test("a client that sends no option is disconnected; an idle disk stays")
  func timeLimits() throws {
    let server = try RunningServer(MemoryVolume(sizeBytes: 1 << 20)) {
      $0.optionTimeLimit = .milliseconds(300)
    }
    let idle = try server.enter()
    let silent = try RawClient(server.unix)
    let dripping = try RawClient(server.unix)
    dripping.send(Handshake.fixedNewstyleNoZeroes + Array(Handshake.option(3).prefix(10)))
    let start = ContinuousClock.now
    try silent.expect(Handshake.greeting)
    try silent.expectEnd()
    try dripping.expect(Handshake.greeting)
    try dripping.expectEnd()
    #expect(ContinuousClock.now - start < .seconds(3))
    idle.send(Transmission.request(3, cookie: 1))
    try idle.expect(Transmission.chunk(0, cookie: 1, done: true))
  }

  @Test("clients that violate the protocol cannot fill the log")
  func boundedLog() throws {
    let server = try RunningServer(MemoryVolume(sizeBytes: 1 << 20))
    for _ in 0..<300 {
      let client = try RawClient(server.unix)
      client.send([0xff, 0xff, 0xff, 0xff])
      _ = try client.receive(1000)
    }
    #expect(server.log.all.count <= 62)
    #expect(server.log.all.contains { $0.contains("client flags 4294967295 were not offered") })
  }

  @Test("a client stays in step when a volume returns too little")
  func faultyVolume() throws {
    let client = try RunningServer(FaultyCatalog()).held { try $0.enter() }
    client.value.send(
      Transmission.request(0, cookie: 1, length: 4096)
        + Transmission.request(7, cookie: 2, length: 1))
    let replies = [try client.value.receiveChunk(), try client.value.receiveChunk()]
    #expect(replies.allSatisfy { $0.type == 0x8001 && $0.payload.starts(with: [0, 0, 0, 5]) })
  }
}

/// A volume that violates its contract.
private struct FaultyCatalog: ExportCatalog {
  private final class ShortVolume: ReadableVolume {
    let sizeBytes: UInt64 = 1 << 20

    func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? { [.hole(lengthBytes: 1)] }
    func content(of range: Range<UInt64>) -> [VolumePiece] { [] }
    func allocation(of range: Range<UInt64>, limit: Int) -> [AllocationExtent] { [] }
  }

  func list() -> [ExportListing] { [] }

  func open(_ name: String) -> OpenedExport? {
    OpenedExport(canonicalName: name, description: "", volume: ShortVolume())
  }
}
