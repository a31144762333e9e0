import NBDTestSupport
import NBDServer
import Synchronization
import TestSupport
import Testing

/// A catalogue in which `latest` stands for another revision each time it is opened.
private final class MovingCatalog: ExportCatalog {
  private let revision = Mutex<UInt64>(0)

  func list() -> [ExportListing] {
    [ExportListing(name: "latest", description: "web01, 2026-11-20 02:00, 1 MiB")]
  }

  func open(_ name: String) -> OpenedExport? {
    let number = revision.withLock { revision in
      revision += 1
      return revision
    }
    return OpenedExport(
      canonicalName: "revision-\(number)", description: "number \(number)",
      volume: MemoryVolume(sizeBytes: number << 20))
  }
}

@Suite("Exports")
struct ExportTests {
  private func answer(_ option: UInt32, _ number: UInt64) -> [UInt8] {
    Handshake.reply(option, 3, .u16(0), .u64(number << 20), .u16(0x503))
      + Handshake.reply(option, 3, .u16(1), .text("revision-\(number)"))
      + Handshake.acknowledgement(option)
  }

  @Test("LIST returns the exports of the catalogue")
  func list() throws {
    let server = try RunningServer(MovingCatalog())
    let client = try server.greet()
    client.send(Handshake.option(3))
    try client.expect(
      Handshake.reply(
        3, 2, .u32(6), .text("latest"), .text("web01, 2026-11-20 02:00, 1 MiB"))
        + Handshake.acknowledgement(3))
  }

  @Test("GO enters the content of INFO even if the name has moved on")
  func infoThenGo() throws {
    let server = try RunningServer(MovingCatalog())
    let client = try server.greet()
    client.send(Handshake.choose(6, "latest", information: [1]))
    try client.expect(answer(6, 1))
    client.send(Handshake.choose(7, "latest", information: [1]))
    try client.expect(answer(7, 1))
    let later = try server.greet()
    later.send(Handshake.choose(7, "latest", information: [1]))
    try later.expect(answer(7, 2))
    // Each client reads the revision that it entered. The second revision has 2 MiB, the first has
    // not.
    let request = Transmission.request(0, cookie: 1, offset: 1 << 20, length: 1)
    client.send(request)
    try client.expect(Transmission.simpleReply(cookie: 1, error: 22))
    later.send(request)
    try later.expect(Transmission.simpleReply(cookie: 1) + [0])
  }

  @Test("a failure of the catalogue is reported, and the server continues")
  func failure() throws {
    let server = try RunningServer(MemoryCatalog(volumes: [:], failure: "the index is gone"))
    let client = try server.greet()
    client.send(Handshake.option(3) + Handshake.choose(7, "disk"))
    try client.expect(
      Handshake.reply(3, 0x8000_0004, .text("the index is gone"))
        + Handshake.reply(7, 0x8000_0006, .text("the index is gone")))
    #expect(server.log.all.contains { $0.contains("the index is gone") })
  }

  @Test("connections are counted and measured")
  func records() throws {
    let server = try RunningServer(MemoryVolume(sizeBytes: 1 << 20))
    let idle = try server.greet()
    let client = try server.enter(.simple, over: server.tcp)
    let sent = try #require(server.server.connections.last?.sentBytes)
    client.send(Transmission.request(0, cookie: 1, length: 1000))
    _ = try client.receive(1016)
    let records = server.server.connections
    #expect(records.map(\.export) == [nil, "disk"])
    #expect(records.map(\.requestCount) == [0, 1])
    #expect(records.last.map { $0.sentBytes - sent } == 1016)
    #expect(records.last?.address.hasPrefix("127.0.0.1:") == true)
    idle.halfClose()
    #expect(eventually { server.server.connections.count == 1 })
  }
}
