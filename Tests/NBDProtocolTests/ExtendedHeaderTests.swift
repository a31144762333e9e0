import NBDProtocol
import NIOCore
import TestSupport
import Testing

@Suite("Extended headers")
struct ExtendedHeaderTests {
  @Test("a client can agree on them before or after structured replies", arguments: [false, true])
  func agreed(_ isAfterStructured: Bool) {
    let client = Transcript.greeted()
    if isAfterStructured { client.send(Handshake.option(8)) }
    _ = client.takeReplies()
    client.send(Handshake.option(11))
    #expect(client.takeReplies() == Handshake.acknowledgement(11))
    #expect(client.style == .extended)
  }

  @Test("a later request for structured replies is refused with ERR_EXT_HEADER_REQD")
  func outrank() {
    let client = Transcript.greeted()
    client.send(Handshake.option(11) + Handshake.option(8) + Handshake.option(8, .u8(1)))
    #expect(
      OptionVerdict.all(in: client.takeReplies()) == [
        OptionVerdict(option: 11, type: 1),
        OptionVerdict(option: 8, type: OptionError.extendedHeadersRequired),
        OptionVerdict(option: 8, type: OptionError.invalid),
      ])
    #expect(client.style == .extended)
  }

  @Test("EXPORT_NAME ends the connection")
  func exportName() {
    let client = Transcript.greeted()
    client.send(Handshake.option(11))
    _ = client.takeReplies()
    client.send(Handshake.option(1, .text("disk")))
    #expect(client.isAbandoned)
    #expect(client.takeReplies().isEmpty)
  }

  @Test("a client can select contexts with them")
  func contexts() {
    let client = Transcript.greeted()
    client.send(Handshake.option(11))
    _ = client.takeReplies()
    client.send(Handshake.contexts(10, "disk", ["base:allocation"]))
    #expect(
      client.takeReplies()
        == Handshake.reply(10, 4, .u32(1), .text("base:allocation"))
        + Handshake.acknowledgement(10))
  }

  @Test("a compact request has the wrong magic with them, an extended one without")
  func otherMagic() {
    let extended = entered(.extended)
    extended.send(Transmission.request(3, cookie: 1) + [0, 0, 0, 0])
    #expect(extended.isAbandoned)
    let compact = entered(.structured)
    compact.send(Transmission.extendedRequest(3, cookie: 1))
    #expect(compact.isAbandoned)
  }

  @Test("a write without PAYLOAD_LEN is invalid and has no payload")
  func writeWithoutPayload() {
    let client = entered(.extended, writable: true)
    client.send(
      Transmission.extendedRequest(1, cookie: 1, length: 4096)
        + Transmission.extendedRequest(0, cookie: 2))
    var replies = client.takeReplies()
    #expect(WireStyle.extended.takeFailure(cookie: 1, offset: 0, from: &replies) == 22)
    #expect(replies == WireStyle.extended.success(cookie: 2))
  }

  @Test("a payload above every limit ends the connection", arguments: 0...9)
  func abuse(_ command: UInt16) {
    for length: UInt64 in [(32 << 20) + 1, 1 << 32, .max] {
      let client = entered(.extended, writable: true, sizeBytes: 1 << 40)
      client.send(Transmission.extendedRequest(command, flags: 32, cookie: 1, length: length))
      #expect(command == 2 ? client.end == .finished : client.isAbandoned)
    }
  }

  @Test("trims, zeroes, status and prefetches take lengths over 4 GiB")
  func longEffects() {
    let client = entered(.extended, writable: true, sizeBytes: 20 << 40)
    for command: UInt16 in [4, 5, 6, 7] {
      client.send(
        Transmission.extendedRequest(
          command, cookie: UInt64(command), offset: 1, length: (20 << 40) - 1))
    }
    #expect(client.work.map(\.range) == (0..<4).map { _ in 1..<20 << 40 })
    client.send(Transmission.extendedRequest(6, flags: 16, cookie: 1, length: 20 << 40))
    #expect(client.work.count == 5)
  }

  @Test("every chunk repeats the request's offset and has a 64-bit length")
  func chunks() {
    let request = Request(.read, cookie: 9, offsetBytes: 77, lengthBytes: 100)
    let frame = ReplyFrame(.extended, to: request)
    var bytes = ByteBuffer()
    bytes.writeDataChunkHeader(frame, isLast: false, offsetBytes: 80, lengthBytes: 3)
    bytes.writeBytes([1, 2, 3])
    bytes.writeHoleChunk(frame, isLast: false, offsetBytes: 83, lengthBytes: 94)
    bytes.writeErrorChunk(
      frame, isLast: false, offsetBytes: 77, refusal: Refusal(.inputOutput, "bad"))
    bytes.writeBlockStatusChunk(
      frame, isLast: true, context: .allocation,
      extents: [
        StatusExtent(lengthBytes: 5 << 32, flags: 3), StatusExtent(lengthBytes: 1, flags: 0),
      ])
    #expect(
      Array(bytes.readableBytesView)
        == Transmission.extendedChunk(
          1, cookie: 9, offset: 77, done: false, .u64(80), .bytes([1, 2, 3]))
        + Transmission.extendedChunk(2, cookie: 9, offset: 77, done: false, .u64(83), .u32(94))
        + Transmission.extendedChunk(
          0x8002, cookie: 9, offset: 77, done: false, .u32(5), .u16(3), .text("bad"), .u64(77))
        + Transmission.extendedChunk(
          6, cookie: 9, offset: 77, done: true, .u32(1), .u32(2), .u64(5 << 32), .u64(3), .u64(1),
          .u64(0)))
  }

  @Test("without extended headers, an extent over 4 GiB is cut and ends the list")
  func clamped() {
    let request = Request(.blockStatus, cookie: 9, offsetBytes: 0, lengthBytes: 100)
    var bytes = ByteBuffer()
    bytes.writeBlockStatusChunk(
      ReplyFrame(.structured, to: request), isLast: true, context: .allocation,
      extents: [
        StatusExtent(lengthBytes: 8, flags: 0), StatusExtent(lengthBytes: 1 << 32, flags: 3),
        StatusExtent(lengthBytes: 8, flags: 0),
      ])
    #expect(
      Array(bytes.readableBytesView)
        == Transmission.chunk(
          5, cookie: 9, done: true, .u32(1), .u32(8), .u32(0), .u32(.max), .u32(3)))
  }
}

@Suite("Status of some contexts")
struct StatusPayloadTests {
  private static let own = ["varve:changed-since:a", "varve:changed-since:b"]

  private func request(_ payload: [UInt8], flags: UInt16 = 0, offset: UInt64 = 0) -> [UInt8] {
    Transmission.extendedRequest(
      7, flags: flags | 32, cookie: 1, offset: offset, length: UInt64(payload.count)) + payload
  }

  @Test(
    "a status without a payload is about all contexts",
    arguments: [WireStyle.structured, .extended])
  func all(_ style: WireStyle) {
    let client = entered(style, own: Self.own)
    client.send(style.request(7, cookie: 1, length: 512))
    #expect(client.work.map { $0.contexts.map(\.id) } == [[1, 2, 3]])
    #expect(client.work.first?.contexts.map(\.name) == ["base:allocation"] + Self.own)
  }

  @Test("the payload of a status request names contexts and the length", arguments: [1, 7, 100])
  func some(_ sliceBytes: Int) {
    let client = entered(.extended, own: Self.own)
    client.send(
      request(wire(.u64(4096), .u32(3), .u32(1)), flags: 8, offset: 512), inSlicesOf: sliceBytes)
    #expect(client.work.map { $0.contexts.map(\.id) } == [[1, 3]])
    #expect(client.work.map(\.range) == [512..<4608])
    #expect(client.wantsInput)
  }

  /// Payloads that the server consumes and then refuses.
  static let bad: [(String, [WirePart])] = [
    ("no context", [.u64(4096)]), ("half a context", [.u64(4096), .u16(1)]),
    ("twice the same", [.u64(4096), .u32(1), .u32(1)]), ("not selected", [.u64(4096), .u32(9)]),
    ("too many", [.u64(4096), .u32(1), .u32(2), .u32(3), .u32(4)]), ("nothing", [.u8(0)]),
    ("no length", [.u64(0), .u32(1)]), ("past the end", [.u64(1 << 40), .u32(1)]),
    ("past 2^64", [.u64(.max), .u32(1)]), ("very long", [.u64(4096), .zeros(100_000)]),
  ]

  @Test("an invalid payload is refused and the stream stays in step", arguments: bad)
  func refused(_ row: (String, [WirePart])) {
    let client = entered(.extended, own: Self.own)
    client.send(request(wire(row.1), offset: 1) + Transmission.extendedRequest(0, cookie: 2))
    var replies = client.takeReplies()
    #expect(WireStyle.extended.takeFailure(cookie: 1, offset: 1, from: &replies) == 22)
    #expect(replies == WireStyle.extended.success(cookie: 2))
  }

  @Test("a client that half-closes within a payload is disconnected")
  func halfClosed() {
    let client = entered(.extended)
    client.send(Array(request(wire(.u64(4096), .u32(1))).dropLast()))
    client.connection.inputClosed()
    client.run()
    #expect(client.end == .finished)
  }
}
