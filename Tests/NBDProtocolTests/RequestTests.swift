import NBDProtocol
import NIOCore
import TestSupport
import Testing

/// A request, and the expected error for some reply styles.
struct Refused: CustomTestStringConvertible, Sendable {
  var what: String
  var error: UInt32
  var command: UInt16
  var flags: UInt16 = 0
  var offset: UInt64 = 0
  var length: UInt64 = 4096
  var styles = WireStyle.allCases

  var testDescription: String { what }

  static let disk: UInt64 = 1 << 20

  static let readOnly: [Refused] = [
    Refused(what: "write", error: 1, command: 1),
    Refused(what: "write past the end", error: 1, command: 1, offset: disk),
    Refused(what: "write past 2^64", error: 1, command: 1, offset: .max),
    Refused(what: "write with FUA", error: 1, command: 1, flags: 1),
    Refused(what: "trim", error: 1, command: 4),
    Refused(what: "write zeroes", error: 1, command: 6),
    Refused(what: "fast zero", error: 1, command: 6, flags: 16),
    Refused(what: "read with FUA, not offered", error: 22, command: 0, flags: 1),
    Refused(what: "flush with FUA, not offered", error: 22, command: 3, flags: 1, length: 0),
    Refused(what: "cache with a flag", error: 22, command: 5, flags: 1),
  ]

  static let any: [Refused] = [
    Refused(what: "read past the end", error: 22, command: 0, offset: disk - 1, length: 2),
    Refused(what: "read beyond", error: 22, command: 0, offset: disk + 1, length: 0),
    Refused(what: "read past 2^64", error: 22, command: 0, offset: .max, length: 2),
    Refused(what: "cache past the end", error: 22, command: 5, offset: disk),
    Refused(what: "cache past 2^64", error: 22, command: 5, offset: .max - 4095),
    Refused(what: "flush with a length", error: 22, command: 3, length: 1),
    Refused(what: "flush with an offset", error: 22, command: 3, offset: 1, length: 0),
    Refused(what: "read with REQ_ONE", error: 22, command: 0, flags: 8),
    Refused(what: "cache with NO_HOLE", error: 22, command: 5, flags: 2),
    Refused(what: "unknown flag", error: 22, command: 0, flags: 0x8000),
    Refused(what: "unknown command", error: 22, command: 8),
    Refused(what: "unknown command", error: 22, command: 0xffff),
    Refused(what: "read with a payload", error: 22, command: 0, flags: 32),
    Refused(what: "cache with a payload", error: 22, command: 5, flags: 32),
    Refused(what: "unknown command with a payload", error: 22, command: 9, flags: 32),
    Refused(what: "status without a context", error: 22, command: 7, styles: [.simple]),
    Refused(what: "status past the end", error: 22, command: 7, offset: disk, length: 1),
    Refused(what: "status past 2^64", error: 22, command: 7, offset: .max - 1, length: 9),
    Refused(what: "status of nothing", error: 22, command: 7, length: 0),
    Refused(what: "status with DF", error: 22, command: 7, flags: 4),
    Refused(
      what: "a length past 2^64", error: 22, command: 0, offset: 1, length: .max,
      styles: [.extended]),
    Refused(what: "a status past 2^64", error: 22, command: 7, length: .max, styles: [.extended]),
  ]

  static let writable: [Refused] = [
    Refused(what: "write past the end", error: 28, command: 1, offset: disk - 1, length: 2),
    Refused(what: "write beyond", error: 28, command: 1, offset: disk + 1, length: 0),
    Refused(what: "write past 2^64", error: 28, command: 1, offset: .max, length: 9),
    Refused(what: "zero past the end", error: 28, command: 6, offset: disk - 1, length: 2),
    Refused(what: "zero past 2^64", error: 28, command: 6, offset: .max, length: 9),
    Refused(what: "trim past the end", error: 22, command: 4, offset: disk - 1, length: 2),
    Refused(what: "trim past 2^64", error: 22, command: 4, offset: .max, length: 9),
    Refused(what: "write with NO_HOLE", error: 22, command: 1, flags: 2),
    Refused(what: "write with DF", error: 22, command: 1, flags: 4),
    Refused(what: "write with an unknown flag", error: 22, command: 1, flags: 0x100),
    Refused(what: "trim with NO_HOLE", error: 22, command: 4, flags: 2),
    Refused(what: "trim with FAST_ZERO", error: 22, command: 4, flags: 16),
    Refused(what: "zero with DF", error: 22, command: 6, flags: 4),
    Refused(what: "zero with a payload", error: 22, command: 6, flags: 32),
    Refused(what: "trim with a payload", error: 22, command: 4, flags: 32),
    Refused(what: "flush with a payload", error: 22, command: 3, flags: 32, length: 8),
    Refused(what: "fast zero that allocates", error: 95, command: 6, flags: 18),
    Refused(what: "fast zero of no whole block", error: 95, command: 6, flags: 16, offset: 1),
    Refused(
      what: "zero past 2^64 in one length", error: 28, command: 6, offset: 1, length: .max,
      styles: [.extended]),
    Refused(
      what: "trim past 2^64 in one length", error: 22, command: 4, offset: 1, length: .max,
      styles: [.extended]),
  ]
}

@Suite("Requests")
struct RequestTests {
  /// Sends the request and its payload, and then a second request that must be answered in step.
  private func check(_ refused: Refused, writable: Bool) {
    for style in refused.styles {
      let client = entered(style, writable: writable)
      let hasPayload =
        refused.command == 1 || style == .extended && refused.flags & 32 != 0
      let payload = hasPayload ? [UInt8](repeating: 9, count: Int(refused.length)) : []
      client.send(
        style.request(
          refused.command, flags: refused.flags, cookie: 0xfeed, offset: refused.offset,
          length: refused.length) + payload + style.request(0, cookie: 2))
      var replies = client.takeReplies()
      let error = style.takeFailure(cookie: 0xfeed, offset: refused.offset, from: &replies)
      #expect(error == refused.error, "\(style)")
      #expect(replies == style.success(cookie: 2), "\(style)")
      #expect(client.work.isEmpty, "\(style)")
    }
  }

  @Test("a read-only export refuses forbidden requests", arguments: Refused.readOnly)
  func readOnly(_ refused: Refused) { check(refused, writable: false) }

  @Test("a writable export refuses impossible requests", arguments: Refused.writable)
  func writable(_ refused: Refused) { check(refused, writable: true) }

  @Test("every export refuses meaningless requests", arguments: Refused.any)
  func any(_ refused: Refused) {
    check(refused, writable: false)
    check(refused, writable: true)
  }

  @Test("a read at the very end may have one byte or none", arguments: WireStyle.allCases)
  func atTheEnd(_ style: WireStyle) {
    let client = entered(style, sizeBytes: 1_000_001)
    client.send(
      style.request(0, cookie: 1, offset: 1_000_000, length: 1)
        + style.request(0, cookie: 2, offset: 1_000_001, length: 0))
    #expect(client.work.map(\.range) == [1_000_000..<1_000_001])
    #expect(client.takeReplies() == style.success(cookie: 2, offset: 1_000_001))
  }

  @Test("a request of length 0 is answered at once", arguments: WireStyle.allCases)
  func noLength(_ style: WireStyle) {
    let client = entered(style, writable: true)
    for command: UInt16 in [0, 1, 4, 5, 6] {
      client.send(style.request(command, flags: 1, cookie: 5, offset: 77))
      #expect(client.takeReplies() == style.success(cookie: 5, offset: 77), "\(command)")
    }
    #expect(client.work.isEmpty)
  }

  @Test("a flush of a read-only export is answered at once", arguments: WireStyle.allCases)
  func flush(_ style: WireStyle) {
    let client = entered(style)
    client.send(style.request(3, cookie: 5))
    #expect(client.takeReplies() == style.success(cookie: 5))
  }

  @Test(
    "reads over the limit are refused, also with DF", arguments: [WireStyle.structured, .extended])
  func tooLong(_ style: WireStyle) {
    let client = entered(style, sizeBytes: 1 << 40)
    client.send(style.request(0, flags: 4, cookie: 1, length: (4 << 20) + 1))
    var replies = client.takeReplies()
    #expect(style.takeFailure(cookie: 1, offset: 0, from: &replies) == 75)
    // proto.md lets a server with extended headers return EOVERFLOW. Without them, it names no
    // error.
    for length: UInt64 in [(32 << 20) + 1, UInt64(UInt32.max)] {
      client.send(style.request(0, cookie: 2, length: length))
      replies = client.takeReplies()
      let error = style.takeFailure(cookie: 2, offset: 0, from: &replies)
      #expect(error == (style == .extended ? 75 : 22))
    }
    client.send(style.request(0, flags: 4, cookie: 3, length: 4 << 20))
    #expect(client.work.map(\.lengthBytes) == [4 << 20])
  }

  @Test("DF is not accepted without structured replies")
  func dontFragmentUnoffered() {
    let client = entered(.simple)
    client.send(Transmission.request(0, flags: 4, cookie: 1, length: 512))
    #expect(client.takeReplies() == Transmission.simpleReply(cookie: 1, error: 22))
  }

  @Test("BLOCK_STATUS without a selected context is invalid", arguments: WireStyle.allCases)
  func noContext(_ style: WireStyle) {
    let client = entered(style, contexts: false)
    client.send(style.request(7, cookie: 1, length: 512))
    var replies = client.takeReplies()
    #expect(style.takeFailure(cookie: 1, offset: 0, from: &replies) == 22)
  }

  @Test("FUA is accepted with every command, if it is offered", arguments: WireStyle.allCases)
  func forceUnitAccess(_ style: WireStyle) {
    let client = entered(style, writable: true)
    for command: UInt16 in [0, 4, 5, 6] {
      client.send(style.request(command, flags: 1, cookie: UInt64(command), length: 4096))
    }
    client.send(style.request(3, flags: 1, cookie: 3))
    if style != .simple { client.send(style.request(7, flags: 1, cookie: 7, length: 4096)) }
    let expected: [UInt64] = style == .simple ? [0, 4, 5, 6, 3] : [0, 4, 5, 6, 3, 7]
    #expect(client.work.map(\.request.cookie) == expected)
    #expect(client.takeReplies().isEmpty)
  }

  @Test(
    "the payload of a refused write is consumed in pieces of any size", arguments: [1, 27, 999])
  func payload(_ sliceBytes: Int) {
    let client = entered(.simple)
    // The payload looks like requests, so a server out of step would answer it.
    let decoy = Transmission.request(3, cookie: 0xbad)
    let payload = Array((0..<100).map { _ in decoy }.joined())
    let stream =
      Transmission.request(1, cookie: 1, length: UInt32(payload.count)) + payload
      + Transmission.request(3, cookie: 2)
    client.send(stream, inSlicesOf: sliceBytes)
    #expect(
      client.takeReplies()
        == Transmission.simpleReply(cookie: 1, error: 1) + Transmission.simpleReply(cookie: 2))
  }

  @Test(
    "a request with wrong magic disconnects the client", arguments: WireStyle.allCases,
    [0x2560_9514, 0x21e4_1c72, 0x1256_0953])
  func wrongMagic(_ style: WireStyle, _ magic: UInt32) {
    let client = entered(style)
    client.send(wire(.u32(magic), .zeros(28)))
    #expect(client.isAbandoned)
  }
}
