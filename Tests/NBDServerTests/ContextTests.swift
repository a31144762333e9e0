import NBDTestSupport
import NBDServer
import Synchronization
import TestSupport
import Testing

@Suite("Own contexts")
struct ContextTests {
  private static let names = ["varve:changed-since:a", "varve:changed-since:b"]

  private func negotiated(_ server: RunningServer, _ style: WireStyle) throws -> RawClient {
    let client = try server.greet()
    let option = try #require(style.option)
    client.send(Handshake.option(option))
    try client.expect(Handshake.acknowledgement(option))
    return client
  }

  private func server() throws -> RunningServer {
    try RunningServer(
      ScratchCatalog(ScratchVolume(sizeBytes: 1 << 20, contexts: Self.names)))
  }

  @Test("one status reply has a chunk for every selected context, DONE on the last")
  func several() throws {
    let server = try server()
    let client = try negotiated(server, .structured)
    client.send(Handshake.contexts(10, "disk", ["base:allocation"] + Self.names.reversed()))
    try client.expect(
      Handshake.reply(10, 4, .u32(1), .text("base:allocation"))
        + Handshake.reply(10, 4, .u32(2), .text(Self.names[0]))
        + Handshake.reply(10, 4, .u32(3), .text(Self.names[1])) + Handshake.acknowledgement(10))
    client.send(Handshake.choose(7, "disk"))
    _ = try client.receive(52)
    client.send(Transmission.request(7, cookie: 1, offset: 9, length: 1000))
    try client.expect(
      Transmission.chunk(5, cookie: 1, done: false, .u32(1), .u32(1000), .u32(0))
        + Transmission.chunk(5, cookie: 1, done: false, .u32(2), .u32(1000), .u32(1))
        + Transmission.chunk(5, cookie: 1, done: true, .u32(3), .u32(1000), .u32(2)))
  }

  @Test("with extended headers, a payload chooses some of the contexts")
  func chosen() throws {
    let server = try server()
    let client = try negotiated(server, .extended)
    client.send(Handshake.contexts(10, "disk", Self.names))
    _ = try client.receive(2 * (20 + 4 + 21) + 20)
    client.send(Handshake.choose(7, "disk"))
    try client.expect(
      Handshake.reply(7, 3, .u16(0), .u64(1 << 20), .u16(0x1ded)) + Handshake.acknowledgement(7))
    client.send(
      Transmission.extendedRequest(7, flags: 32, cookie: 1, offset: 9, length: 12)
        + wire(.u64(1000), .u32(3)))
    try client.expect(
      Transmission.extendedChunk(
        6, cookie: 1, offset: 9, done: true, .u32(3), .u32(1), .u64(1000), .u64(2)))
  }

  @Test("the selection stays valid when the client asks about other exports")
  func held() throws {
    let server = try server()
    let client = try negotiated(server, .structured)
    client.send(Handshake.contexts(10, "disk", [Self.names[1]]))
    client.send(
      Handshake.contexts(9, "disk", ["varve:"]) + Handshake.choose(6, "nosuch")
        + Handshake.choose(6, "disk") + Handshake.choose(7, "disk"))
    client.send(Transmission.request(7, cookie: 1, length: 1000))
    client.halfClose()
    let replies = try client.receiveToEnd()
    let chunk = Transmission.chunk(5, cookie: 1, done: true, .u32(2), .u32(1000), .u32(2))
    #expect(replies.suffix(chunk.count) == chunk[...])
  }

  @Test("the contexts belong to the selected content even if the name has moved on")
  func moving() throws {
    let server = try RunningServer(MovingContexts())
    let client = try negotiated(server, .structured)
    client.send(Handshake.contexts(10, "disk", ["varve:changed-since:a"]))
    client.send(Handshake.choose(6, "other") + Handshake.choose(7, "disk"))
    client.send(Transmission.request(7, cookie: 1, length: 1000))
    client.halfClose()
    let replies = try client.receiveToEnd()
    // The first revision has 1 MiB. The chunk is the status of its context.
    let size = Handshake.reply(7, 3, .u16(0), .u64(1 << 20), .u16(0x0ded))
    #expect(replies.indices.contains { replies[$0...].starts(with: size) })
    let chunk = Transmission.chunk(5, cookie: 1, done: true, .u32(2), .u32(1000), .u32(1))
    #expect(replies.suffix(chunk.count) == chunk[...])
  }

  @Test("contexts with impossible names are rejected")
  func lies() throws {
    let name = "varve:" + String(repeating: "x", count: 4096)
    let volume = ScratchVolume(
      sizeBytes: 1 << 20, contexts: ["qemu:x", name, "varve:a", "varve:a"])
    let server = try RunningServer(ScratchCatalog(volume))
    let client = try negotiated(server, .structured)
    client.send(Handshake.contexts(9, "disk", ["varve:"]))
    try client.expect(
      Handshake.reply(9, 4, .u32(0), .text("varve:a")) + Handshake.acknowledgement(9))
  }

  @Test("with extended headers, a status over 4 GiB is a single extent")
  func large() throws {
    let server = try RunningServer(MapOnlyCatalog())
    let client = try server.enter(.extended)
    let offset: UInt64 = 5 << 40
    client.send(Transmission.extendedRequest(7, cookie: 1, offset: offset, length: 15 << 40))
    try client.expect(
      Transmission.extendedChunk(
        6, cookie: 1, offset: offset, done: true, .u32(1), .u32(1), .u64(15 << 40), .u64(3)))
    client.send(Transmission.extendedRequest(7, flags: 8, cookie: 2, offset: 5, length: 100))
    try client.expect(
      Transmission.extendedChunk(
        6, cookie: 2, offset: 5, done: true, .u32(1), .u32(1), .u64(100), .u64(0)))
  }
}

/// A catalogue in which a name stands for larger content each time it is opened.
private final class MovingContexts: ExportCatalog {
  private let revision = Mutex<UInt64>(0)

  func list() -> [ExportListing] { [] }

  func open(_ name: String) -> OpenedExport? {
    let number = revision.withLock { revision in
      revision += 1
      return revision
    }
    let volume = ScratchVolume(
      sizeBytes: number << 20,
      contexts: [String](repeating: "varve:none", count: Int(number) - 1)
        + ["varve:changed-since:a"])
    return OpenedExport(
      canonicalName: "revision-\(number)", description: "", volume: volume, contexts: volume)
  }
}
