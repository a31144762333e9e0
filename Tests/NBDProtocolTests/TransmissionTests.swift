import NBDProtocol
import NIOCore
import TestSupport
import Testing

/// A connection in the transmission phase, on a disk of 1 MiB unless told otherwise.
func entered(
  structured: Bool = true, contexts: Bool = true, sizeBytes: UInt64 = 1 << 20,
  windowCount: Int = 64, windowBytes: Int = 16 << 20
) -> Transcript {
  let client = Transcript.greeted(windowCount: windowCount, windowBytes: windowBytes)
  client.exports["disk"]?.sizeBytes = sizeBytes
  if structured { client.send(Handshake.option(8)) }
  if contexts { client.send(Handshake.contexts(10, "disk", ["base:allocation"])) }
  client.send(Handshake.choose(7, "disk"))
  _ = client.takeReplies()
  return client
}

/// A request, and the error that answers it.
struct Refused: CustomTestStringConvertible, Sendable {
  var what: String
  var error: UInt32
  var command: UInt16
  var flags: UInt16 = 0
  var offset: UInt64 = 0
  var length: UInt32 = 4096

  var testDescription: String { what }

  static let disk: UInt64 = 1 << 20
  static let all: [Refused] = [
    Refused(what: "write", error: 1, command: 1),
    Refused(what: "write past the end", error: 1, command: 1, offset: disk),
    Refused(what: "trim", error: 1, command: 4),
    Refused(what: "write zeroes", error: 1, command: 6),
    Refused(what: "fast zero", error: 1, command: 6, flags: 16),
    Refused(what: "read past the end", error: 22, command: 0, offset: disk - 1, length: 2),
    Refused(what: "read beyond", error: 22, command: 0, offset: disk + 1, length: 0),
    Refused(what: "read past 2^64", error: 22, command: 0, offset: .max, length: 2),
    Refused(what: "status past the end", error: 22, command: 7, offset: disk, length: 1),
    Refused(what: "status past 2^64", error: 22, command: 7, offset: .max - 1, length: 9),
    Refused(what: "status of nothing", error: 22, command: 7, length: 0),
    Refused(what: "cache past the end", error: 22, command: 5, offset: disk),
    Refused(what: "cache with a flag", error: 22, command: 5, flags: 1),
    Refused(what: "flush with a length", error: 22, command: 3, length: 1),
    Refused(what: "read with FUA, not offered", error: 22, command: 0, flags: 1),
    Refused(what: "read with REQ_ONE", error: 22, command: 0, flags: 8),
    Refused(what: "status with DF", error: 22, command: 7, flags: 4),
    Refused(what: "unknown flag", error: 22, command: 0, flags: 0x8000),
    Refused(what: "unknown command", error: 22, command: 8),
    Refused(what: "unknown command", error: 22, command: 0xffff),
  ]
}

@Suite("Requests")
struct RequestTests {
  @Test("a request stays within 24 bytes")
  func size() {
    #expect(MemoryLayout<Request>.size == 24)
  }

  @Test("what may not be done is refused with the right error", arguments: Refused.all)
  func refused(_ refused: Refused) {
    let payload = refused.command == 1 ? [UInt8](repeating: 9, count: Int(refused.length)) : []
    let request = Transmission.request(
      refused.command, flags: refused.flags, cookie: 0xfeed, offset: refused.offset,
      length: refused.length)
    let stream = request + payload + Transmission.request(3, cookie: 2)

    let plain = entered(structured: false, contexts: false)
    plain.send(stream)
    #expect(
      plain.takeReplies()
        == Transmission.simpleReply(
          cookie: 0xfeed, error: refused.command == 7 ? 22 : refused.error)
        + Transmission.simpleReply(cookie: 2))

    let structured = entered()
    structured.send(stream)
    var reply = ByteBuffer(bytes: structured.takeReplies())
    let header = reply.readMultipleIntegers(
      as: (UInt32, UInt16, UInt16, UInt64, UInt32, UInt32, UInt16).self)
    #expect(header?.0 == 0x668e_33ef)
    #expect(header?.1 == 1)
    #expect(header?.2 == 0x8001)
    #expect(header?.3 == 0xfeed)
    #expect(header?.5 == refused.error)
    #expect(header.map { $0.4 == UInt32($0.6) + 6 } == true)
    #expect(reply.readString(length: Int(header?.6 ?? 0))?.isEmpty == false)
    #expect(
      Array(reply.readableBytesView) == Transmission.chunk(0, cookie: 2, done: true))
  }

  @Test("a read at the very end, of one byte and of none, is right")
  func atTheEnd() {
    let client = entered(sizeBytes: 1_000_001)
    client.send(
      Transmission.request(0, cookie: 1, offset: 1_000_000, length: 1)
        + Transmission.request(0, cookie: 2, offset: 1_000_001, length: 0))
    #expect(client.work.map(\.range) == [1_000_000..<1_000_001])
    #expect(client.takeReplies() == Transmission.chunk(0, cookie: 2, done: true))
  }

  @Test("a request of no length, and a flush, are answered at once", arguments: [0, 3, 5])
  func nothingToDo(_ command: UInt16) {
    let structured = entered()
    structured.send(Transmission.request(command, cookie: 5))
    #expect(structured.takeReplies() == Transmission.chunk(0, cookie: 5, done: true))
    let plain = entered(structured: false, contexts: false)
    plain.send(Transmission.request(command, cookie: 5))
    #expect(plain.takeReplies() == Transmission.simpleReply(cookie: 5))
  }

  @Test("reads that are too long for DF, or altogether")
  func tooLong() {
    let client = entered(sizeBytes: 1 << 30)
    client.send(Transmission.request(0, flags: 4, cookie: 1, length: (4 << 20) + 1))
    #expect(client.takeReplies()[20..<24] == [0, 0, 0, 75])
    client.send(Transmission.request(0, cookie: 2, length: (32 << 20) + 1))
    #expect(client.takeReplies()[20..<24] == [0, 0, 0, 22])
    client.send(Transmission.request(0, flags: 4, cookie: 3, length: 4 << 20))
    #expect(client.work.map(\.lengthBytes) == [4 << 20])
  }

  @Test("DF without structured replies was never offered")
  func dontFragmentUnoffered() {
    let client = entered(structured: false, contexts: false)
    client.send(Transmission.request(0, flags: 4, cookie: 1, length: 512))
    #expect(client.takeReplies() == Transmission.simpleReply(cookie: 1, error: 22))
  }

  @Test("BLOCK_STATUS without a selected context is invalid")
  func noContext() {
    let client = entered(contexts: false)
    client.send(Transmission.request(7, cookie: 1, length: 512))
    #expect(client.takeReplies()[20..<24] == [0, 0, 0, 22])
  }

  @Test(
    "the payload of a refused write is consumed in pieces of any size", arguments: [1, 27, 999])
  func payload(_ sliceBytes: Int) {
    let client = entered(structured: false, contexts: false)
    // The payload looks like requests, so a server out of step would answer it.
    let decoy = Transmission.request(3, cookie: 0xbad)
    let payload = Array((0..<100).map { _ in decoy }.joined())
    let stream =
      Transmission.request(1, cookie: 1, length: UInt32(payload.count)) + payload
      + Transmission.request(3, cookie: 2)
    for start in stride(from: 0, to: stream.count, by: sliceBytes) {
      client.send(Array(stream[start..<min(start + sliceBytes, stream.count)]))
    }
    #expect(
      client.takeReplies()
        == Transmission.simpleReply(cookie: 1, error: 1) + Transmission.simpleReply(cookie: 2))
  }

  @Test(
    "a request with wrong magic drops the client",
    arguments: [0x2560_9514, 0x21e4_1c71, 0x1256_0953])
  func wrongMagic(_ magic: UInt32) {
    let client = entered()
    client.send(wire(.u32(magic), .zeros(24)))
    #expect(client.isAbandoned)
  }
}

@Suite("The end of a transmission")
struct EndOfTransmissionTests {
  @Test("DISC: what is in flight is finished, what follows is not read")
  func disconnect() {
    let client = entered()
    client.send(
      Transmission.request(0, cookie: 1, length: 512) + Transmission.request(2, cookie: 2)
        + Transmission.request(0, cookie: 3, length: 512))
    #expect(client.work.map(\.request.cookie) == [1])
    #expect(client.end == nil)
    #expect(!client.wantsInput)
    #expect(client.finish(0))
    #expect(client.end == .finished)
  }

  @Test("a half-closed connection finishes what it asked for")
  func halfClosed() {
    let client = entered(windowCount: 1)
    client.send(
      Transmission.request(0, cookie: 1, length: 512)
        + Transmission.request(0, cookie: 2, length: 512))
    client.connection.inputClosed()
    client.run()
    #expect(client.end == nil)
    _ = client.finish(0)
    #expect(client.work.map(\.request.cookie) == [2])
    #expect(client.end == nil)
    _ = client.finish(0)
    #expect(client.end == .finished)
  }

  @Test("shutting down: new requests get ESHUTDOWN, those in flight their reply")
  func shutdown() {
    let client = entered(structured: false, contexts: false)
    client.send(Transmission.request(0, cookie: 1, length: 512))
    client.connection.shutDown()
    client.run()
    #expect(client.end == nil)
    client.send(
      Transmission.request(0, cookie: 2, length: 512)
        + Transmission.request(1, cookie: 3, length: 4) + [1, 2, 3, 4])
    #expect(
      client.takeReplies()
        == Transmission.simpleReply(cookie: 2, error: 108)
        + Transmission.simpleReply(cookie: 3, error: 108))
    #expect(client.finish(0))
    #expect(client.end == .finished)
  }

  @Test("an idle connection is closed when the server shuts down")
  func idleShutdown() {
    let client = entered()
    client.connection.shutDown()
    client.run()
    #expect(client.end == .finished)
  }
}

@Suite("What may be in flight")
struct WindowTests {
  @Test("past the count nothing more is begun nor read, until something is finished")
  func count() {
    let client = entered(windowCount: 2)
    client.send(
      (1...4).flatMap { Transmission.request(0, cookie: UInt64($0), length: 512) })
    #expect(client.work.map(\.request.cookie) == [1, 2])
    #expect(!client.wantsInput)
    #expect(client.finish(1))
    #expect(client.work.map(\.request.cookie) == [1, 3])
    _ = client.finish(0)
    _ = client.finish(0)
    #expect(client.wantsInput)
  }

  @Test("past the bytes a request waits, and is let in alone however large it is")
  func bytes() {
    let client = entered(
      structured: false, contexts: false, sizeBytes: 1 << 30, windowBytes: 10_000)
    client.send(
      Transmission.request(0, cookie: 1, length: 6000)
        + Transmission.request(0, cookie: 2, length: 6000)
        + Transmission.request(0, cookie: 3, length: 32 << 20))
    #expect(client.work.map(\.request.cookie) == [1])
    #expect(!client.wantsInput)
    _ = client.finish(0)
    #expect(client.work.map(\.request.cookie) == [2])
    _ = client.finish(0)
    #expect(client.work.map(\.lengthBytes) == [32 << 20])
    #expect(client.inFlightBytes == 32 << 20)
  }

  @Test("a long read is cut at 1 MiB of the export; only its last piece is done", arguments: 0..<4)
  func split(_ seed: Int) {
    let client = entered(sizeBytes: 1 << 30)
    let offset: UInt64 = (1 << 20) - 512
    client.send(Transmission.request(0, cookie: 1, offset: offset, length: 3 << 20))
    let end = offset + (3 << 20)
    let boundaries: [UInt64] = [offset, 1 << 20, 2 << 20, 3 << 20, end]
    #expect(client.work.map(\.range) == zip(boundaries, boundaries.dropFirst()).map { $0..<$1 })
    var done: [Bool] = []
    while !client.work.isEmpty { done.append(client.finish((seed * 7 + 3) % client.work.count)) }
    #expect(done == [false, false, false, true])
  }

  @Test("a long read takes no more of the window than there is")
  func splitInWindow() {
    let client = entered(sizeBytes: 1 << 30, windowBytes: 4 << 20)
    client.send(
      Transmission.request(0, cookie: 1, length: 32 << 20)
        + Transmission.request(0, cookie: 2, length: 512))
    #expect(client.work.count == 4)
    var pieces = 0
    while client.work.first?.request.cookie == 1 {
      #expect(client.inFlightBytes <= 4 << 20)
      let isLast = client.finish(0)
      pieces += 1
      #expect(isLast == (pieces == 32))
    }
    #expect(client.work.map(\.request.cookie) == [2])
  }
}
