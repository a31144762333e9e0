import VolumeReader
import VolumeMap
import NBDTestSupport
import NBDServer
import TestSupport
import Testing

@Suite("Reads")
struct ReadTests {
  private static let sizeBytes: UInt64 = 4 << 20 + 300

  /// Returns a volume in which chunk 0 is data, 1 and 2 are holes, 3 is data, and so on.
  private static func volume(isCached: Bool, damagedChunk: Int? = nil) -> MemoryVolume {
    MemoryVolume(sizeBytes: sizeBytes, isCached: isCached, damagedChunk: damagedChunk) {
      $0 % 3 != 0
    }
  }

  private static let ranges: [(UInt64, UInt32)] = [
    (0, 1), (511, 1), (sizeBytes - 1, 1), (0, 4096), (131_071, 2), (131_000, 300_000),
    (393_215, 2), (100, 1 << 20), (0, UInt32(sizeBytes)),
  ]

  @Test("simple replies contain the bytes", arguments: ranges, [true, false])
  func simple(_ range: (UInt64, UInt32), _ isCached: Bool) throws {
    let volume = Self.volume(isCached: isCached)
    let server = try RunningServer(volume)
    let client = try server.enter(.simple)
    client.send(Transmission.request(0, cookie: 1, offset: range.0, length: range.1))
    try client.expect(Transmission.simpleReply(cookie: 1))
    try client.expect(volume.bytes(range.0..<range.0 + UInt64(range.1)))
  }

  @Test("chunks cover the request, holes are sent as holes", arguments: [true, false])
  func structured(_ isCached: Bool) throws {
    let volume = Self.volume(isCached: isCached)
    let client = try RunningServer(volume).held { try $0.enter() }
    client.value.send(Transmission.request(0, cookie: 7, offset: 131_000, length: 300_000))
    try client.value.expect(
      Transmission.chunk(
        1, cookie: 7, done: false, .u64(131_000), .bytes(volume.bytes(131_000..<131_072)))
        + Transmission.chunk(2, cookie: 7, done: false, .u64(131_072), .u32(262_144))
        + Transmission.chunk(
          1, cookie: 7, done: true, .u64(393_216), .bytes(volume.bytes(393_216..<431_000))))
  }

  @Test("DF gives one chunk: data with its zeros, or a hole", arguments: [true, false])
  func unfragmented(_ isCached: Bool) throws {
    let volume = Self.volume(isCached: isCached)
    let client = try RunningServer(volume).held { try $0.enter() }
    client.value.send(Transmission.request(0, flags: 4, cookie: 7, offset: 0, length: 300_000))
    try client.value.expect(
      Transmission.chunk(1, cookie: 7, done: true, .u64(0), .bytes(volume.bytes(0..<300_000))))
    client.value.send(
      Transmission.request(0, flags: 4, cookie: 8, offset: 150_000, length: 200_000))
    try client.value.expect(
      Transmission.chunk(2, cookie: 8, done: true, .u64(150_000), .u32(200_000)))
  }

  @Test("the chunks of a long read cover it, in any order", arguments: [true, false])
  func long(_ isCached: Bool) throws {
    let volume = Self.volume(isCached: isCached)
    let client = try RunningServer(volume).held { try $0.enter() }
    let range: Range<UInt64> = 1000..<4_100_000
    client.value.send(
      Transmission.request(
        0, cookie: 9, offset: range.lowerBound, length: UInt32(range.count)))
    var parts: [(offset: UInt64, bytes: [UInt8])] = []
    var chunk: Chunk
    repeat {
      chunk = try client.value.receiveChunk()
      #expect(chunk.cookie == 9)
      parts.append(try #require(chunk.content))
    } while !chunk.isDone
    parts.sort { $0.offset < $1.offset }
    var content: [UInt8] = []
    for part in parts {
      #expect(part.offset == range.lowerBound + UInt64(content.count))
      content += part.bytes
    }
    #expect(content == volume.bytes(range))
  }

  @Test("damaged content is EIO with a reason, never zeros")
  func damage() throws {
    let server = try RunningServer(Self.volume(isCached: false, damagedChunk: 3))
    let reason = "volume web01/vda: chunk 3 is damaged in pack f00d"
    let client = try server.enter()
    client.send(Transmission.request(0, cookie: 1, offset: 393_216, length: 512))
    try client.expect(
      Transmission.chunk(
        0x8001, cookie: 1, done: true, .u32(5), .u16(UInt16(reason.utf8.count)), .text(reason)))
    #expect(server.log.all.contains { $0.contains(reason) })

    let plain = try server.enter(.simple)
    plain.send(
      Transmission.request(0, cookie: 2, offset: 393_216, length: 512)
        + Transmission.request(0, cookie: 3, offset: 0, length: 1))
    let replies = try plain.receive(33)
    #expect(replies.count == 33)
    #expect(
      replies.starts(with: Transmission.simpleReply(cookie: 2, error: 5))
        || replies.starts(with: Transmission.simpleReply(cookie: 3)))
  }

  @Test("in a long read only the damaged part fails, with its offset")
  func damagedPart() throws {
    let server = try RunningServer(Self.volume(isCached: false, damagedChunk: 9))
    let client = try server.enter()
    client.send(Transmission.request(0, cookie: 1, offset: 0, length: 4 << 20))
    var chunk: Chunk
    var errors: [[UInt8]] = []
    var contentBytes = 0
    repeat {
      chunk = try client.receiveChunk()
      if let content = chunk.content {
        contentBytes += content.1.count
      } else {
        errors.append(chunk.payload)
      }
    } while !chunk.isDone
    let reason = "volume web01/vda: chunk 9 is damaged in pack f00d"
    #expect(
      errors == [
        wire(.u32(5), .u16(UInt16(reason.utf8.count)), .text(reason), .u64(1 << 20))
      ])
    #expect(contentBytes == 3 << 20)
  }

  @Test("answers from the cache overtake other reads")
  func outOfOrder() throws {
    let gate = Gate()
    let catalog = MemoryCatalog(volumes: [
      "disk": MemoryVolume(sizeBytes: 1 << 20, isCached: false, gate: gate)
    ])
    let server = try RunningServer(catalog)
    let client = try server.enter()
    client.send(
      Transmission.request(0, cookie: 1, length: 512) + Transmission.request(3, cookie: 2))
    try client.expect(Transmission.chunk(0, cookie: 2, done: true))
    gate.open()
    #expect(try client.receiveChunk().cookie == 1)
  }

  @Test("CACHE reads ahead; FLUSH has no effect; both are answered")
  func cache() throws {
    let volume = Self.volume(isCached: false)
    let client = try RunningServer(volume).held { try $0.enter() }
    client.value.send(Transmission.request(5, cookie: 1, offset: 0, length: 3 << 20))
    try client.value.expect(Transmission.chunk(0, cookie: 1, done: true))
    #expect(volume.fetched.map(\.lowerBound) == [0, 1 << 20, 2 << 20])
    #expect(volume.fetched.last?.upperBound == 3 << 20)
    client.value.send(Transmission.request(3, cookie: 2))
    try client.value.expect(Transmission.chunk(0, cookie: 2, done: true))
  }
}

@Suite("Block status")
struct BlockStatusTests {
  private static let volume = MemoryVolume(sizeBytes: 1 << 20) { $0 % 3 != 0 }

  @Test("extents are merged and stay within the request")
  func extents() throws {
    let client = try RunningServer(Self.volume).held { try $0.enter() }
    client.value.send(Transmission.request(7, cookie: 1, offset: 1000, length: 500_000))
    try client.value.expect(
      Transmission.chunk(
        5, cookie: 1, done: true, .u32(1), .u32(130_072), .u32(0), .u32(262_144), .u32(3),
        .u32(107_784), .u32(0)))
  }

  @Test("REQ_ONE gives exactly one extent, no longer than the request")
  func requestOne() throws {
    let client = try RunningServer(Self.volume).held { try $0.enter() }
    client.value.send(
      Transmission.request(7, flags: 8, cookie: 1, offset: 0, length: 1 << 20)
        + Transmission.request(7, flags: 8, cookie: 2, offset: 140_000, length: 9))
    let replies = [try client.value.receiveChunk(), try client.value.receiveChunk()]
    #expect(
      replies.sorted { $0.cookie < $1.cookie }.map(\.payload) == [
        wire(.u32(1), .u32(131_072), .u32(0)), wire(.u32(1), .u32(9), .u32(3)),
      ])
  }

  @Test("a volume over 4 GiB has 32-bit lengths and a limited number of extents")
  func large() throws {
    let server = try RunningServer(MapOnlyCatalog())
    let client = try server.enter()
    let offset: UInt64 = 5 << 40
    client.send(Transmission.request(7, cookie: 1, offset: offset, length: .max))
    try client.expect(
      Transmission.chunk(5, cookie: 1, done: true, .u32(1), .u32(.max), .u32(3)))
    client.send(Transmission.request(7, cookie: 2, offset: 0, length: 1 << 30))
    let chunk = try client.receiveChunk()
    #expect(chunk.isDone)
    #expect(chunk.payload.count == 4 + 8 * (1 << 16))
  }
}

/// A disk of 20 TiB without content, only with a map: 4 KiB data, 4 KiB hole, and so on up to 1
/// GiB.
struct MapOnlyCatalog: ExportCatalog {
  func list() -> [ExportListing] { [] }

  func open(_ name: String) -> OpenedExport? {
    OpenedExport(canonicalName: name, description: "", volume: MapOnlyVolume())
  }
}

private final class MapOnlyVolume: ReadableVolume {
  let sizeBytes: UInt64 = 20 << 40

  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? { nil }
  func content(of range: Range<UInt64>) throws -> [VolumePiece] { throw CancellationError() }

  func allocation(of range: Range<UInt64>, limit: Int) -> [AllocationExtent] {
    guard range.lowerBound < 1 << 30 else {
      return [
        AllocationExtent(
          offsetBytes: range.lowerBound, lengthBytes: sizeBytes - range.lowerBound, isHole: true)
      ]
    }
    return (0..<limit).map {
      AllocationExtent(
        offsetBytes: range.lowerBound + 4096 * UInt64($0), lengthBytes: 4096, isHole: $0 % 2 == 1)
    }
  }
}
