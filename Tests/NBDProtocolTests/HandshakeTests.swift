import NBDProtocol
import NIOCore
import TestSupport
import Testing

@Suite("Handshake")
struct HandshakeTests {
  @Test("the server greets with fixed newstyle and no-zeroes")
  func greeting() {
    let client = Transcript()
    #expect(client.takeReplies() == wire(.text("NBDMAGICIHAVEOPT"), .u16(0b11)))
  }

  @Test("an unoffered client flag disconnects the client", arguments: [4, 7, 0x8000_0000])
  func unknownClientFlags(_ flags: UInt32) {
    let client = Transcript.greeted(clientFlags: wire(.u32(flags)))
    #expect(client.isAbandoned)
  }

  @Test("a client without fixed newstyle may only name an export")
  func plainNewstyle() {
    let named = Transcript.greeted(clientFlags: wire(.u32(0)))
    named.send(Handshake.option(1, .text("disk")))
    #expect(named.takeReplies() == wire(.u64(1 << 20), .u16(0x503), .zeros(124)))
    #expect(named.hasBegun)

    let listing = Transcript.greeted(clientFlags: wire(.u32(0)))
    listing.send(Handshake.option(3))
    #expect(listing.isAbandoned)
  }

  @Test(
    "an unknown option is refused and the stream stays in step, however it is cut",
    arguments: [1, 7, 16, 17, 1000, 100_000])
  func unknownOption(_ sliceBytes: Int) {
    let client = Transcript.greeted()
    let stream =
      Handshake.option(12) + Handshake.option(0x4242, .zeros(70_000)) + Handshake.option(8)
    client.send(stream, inSlicesOf: sliceBytes)
    let verdicts = OptionVerdict.all(in: client.takeReplies())
    #expect(
      verdicts == [
        OptionVerdict(option: 12, type: OptionError.unsupported),
        OptionVerdict(option: 0x4242, type: OptionError.unsupported),
        OptionVerdict(option: 8, type: 1),
      ])
  }

  @Test("an option that begins with wrong magic disconnects the client")
  func wrongMagic() {
    let client = Transcript.greeted()
    client.send(wire(.text("IHAVEOPS"), .u32(3), .u32(0)))
    #expect(client.isAbandoned)
    #expect(client.takeReplies().isEmpty)
  }

  @Test("EXPORT_NAME returns size and flags, and zeros unless NO_ZEROES is agreed")
  func exportName() {
    let client = Transcript.greeted()
    client.send(Handshake.option(1, .text("disk")))
    #expect(client.takeReplies() == wire(.u64(1 << 20), .u16(0x503)))
    #expect(client.hasBegun)
  }

  @Test("EXPORT_NAME with an empty name opens the default export, if there is one")
  func defaultExport() {
    let client = Transcript.greeted()
    client.send(Handshake.option(1))
    #expect(client.hasBegun)

    let without = Transcript.greeted()
    without.exports = [:]
    without.send(Handshake.option(1))
    #expect(without.end == .finished)
    #expect(without.takeReplies().isEmpty)
  }

  @Test(
    "EXPORT_NAME has no error reply: an unknown name ends the connection",
    arguments: [
      WirePart.text("nosuch"), .bytes([0xff, 0xfe]), .bytes([0x61, 0, 0x62]), .zeros(1),
      .bytes([UInt8](repeating: 0x61, count: 4097)),
    ])
  func badExportName(_ name: WirePart) {
    let client = Transcript.greeted()
    client.send(Handshake.option(1, name))
    #expect(client.end != nil)
    #expect(client.takeReplies().isEmpty)
    #expect(!client.hasBegun)
  }

  @Test("ABORT is acknowledged, even with data, and ends the connection", arguments: [0, 9])
  func abort(_ dataBytes: Int) {
    let client = Transcript.greeted()
    client.send(Handshake.option(2, .zeros(dataBytes)) + Handshake.option(3))
    #expect(client.takeReplies() == Handshake.acknowledgement(2))
    #expect(client.end == .finished)
  }

  @Test("LIST names every export with its description")
  func list() {
    let client = Transcript.greeted()
    client.exports["a"] = ExportProperties(name: "a", description: "", sizeBytes: 0)
    client.send(Handshake.option(3))
    #expect(
      client.takeReplies()
        == Handshake.reply(3, 2, .u32(1), .text("a"))
        + Handshake.reply(3, 2, .u32(4), .text("disk"), .text("web01, yesterday, 1 MiB"))
        + Handshake.acknowledgement(3))
  }

  @Test(
    "LIST, STRUCTURED_REPLY and EXTENDED_HEADERS with data are invalid, and change nothing",
    arguments: [3, 8, 11])
  func dataWhereNoneBelongs(_ option: UInt32) {
    let client = Transcript.greeted()
    client.send(Handshake.option(option, .zeros(5)) + Handshake.choose(6, "disk"))
    let verdicts = OptionVerdict.all(in: client.takeReplies())
    #expect(verdicts?.first == OptionVerdict(option: option, type: OptionError.invalid))
    #expect(verdicts?.last == OptionVerdict(option: 6, type: 1))
    #expect(client.style == .simple)
  }

  @Test("a failure of the catalogue is reported with its reason", arguments: [3, 6, 7, 9])
  func catalogFailure(_ option: UInt32) {
    let client = Transcript.greeted()
    client.catalogFailure = "repository is not there"
    let queries = option == 9 ? Handshake.contexts(9, "disk", []) : Handshake.choose(option, "disk")
    client.send(option == 3 ? Handshake.option(3) : queries)
    let type = option == 3 ? OptionError.platform : OptionError.unknown
    #expect(
      client.takeReplies()
        == Handshake.reply(option, type, .text("repository is not there")))
    #expect(client.end == nil)
  }
}

@Suite("INFO and GO")
struct ExportChoiceTests {
  private let export = Handshake.reply(6, 3, .u16(0), .u64(1 << 20), .u16(0x503))

  @Test("INFO returns size and flags, and the rest only on request")
  func info() {
    let client = Transcript.greeted()
    client.send(Handshake.choose(6, "disk"))
    #expect(client.takeReplies() == export + Handshake.acknowledgement(6))
    #expect(!client.hasBegun)
  }

  @Test("INFO returns name, description and block sizes on request, each once")
  func information() {
    let client = Transcript.greeted()
    client.send(Handshake.choose(6, "disk", information: [3, 77, 1, 2, 1, 0, 3]))
    #expect(
      client.takeReplies()
        == export + Handshake.reply(6, 3, .u16(1), .text("3f2a/vda"))
        + Handshake.reply(6, 3, .u16(2), .text("web01, yesterday, 1 MiB"))
        + Handshake.reply(6, 3, .u16(3), .u32(1), .u32(4096), .u32(32 << 20))
        + Handshake.acknowledgement(6))
  }

  @Test("GO after an identical INFO has the same answer and begins the transmission")
  func infoThenGo() {
    let client = Transcript.greeted()
    client.send(Handshake.option(8))
    _ = client.takeReplies()
    client.send(Handshake.choose(6, "disk", information: [1, 2, 3]))
    var info = client.takeReplies()
    client.send(Handshake.choose(7, "disk", information: [1, 2, 3]))
    let go = client.takeReplies()
    // Only the number of the option differs, in bytes 8 to 11 of every reply.
    for start in replyStarts(info) { info[start + 11] = 7 }
    #expect(info == go)
    #expect(client.hasBegun)
  }

  private func replyStarts(_ bytes: [UInt8]) -> [Int] {
    let magic = wire(.u64(0x3_e889_0455_65a9))
    return bytes.indices.filter { bytes[$0...].starts(with: magic) }
  }

  @Test("DF is offered only after structured replies")
  func dontFragment() {
    let client = Transcript.greeted()
    client.send(Handshake.option(8) + Handshake.choose(6, "disk"))
    #expect(
      client.takeReplies()
        == Handshake.acknowledgement(8)
        + Handshake.reply(6, 3, .u16(0), .u64(1 << 20), .u16(0x583))
        + Handshake.acknowledgement(6))
  }

  @Test("a missing export is reported as unknown, and the handshake goes on", arguments: [6, 7])
  func unknownExport(_ option: UInt32) {
    let client = Transcript.greeted()
    client.send(Handshake.choose(option, "nosuch") + Handshake.choose(option, "disk"))
    let verdicts = OptionVerdict.all(in: client.takeReplies())
    #expect(verdicts?.first == OptionVerdict(option: option, type: OptionError.unknown))
    #expect(verdicts?.last == OptionVerdict(option: option, type: 1))
  }

  static let malformed: [[WirePart]] = [
    [],
    [.u32(4)],
    [.u32(4), .text("disk")],
    [.u32(5), .text("disk"), .u16(0)],
    [.u32(0xffff_ffff), .text("disk"), .u16(0)],
    [.u32(4), .text("disk"), .u16(1)],
    [.u32(4), .text("disk"), .u16(0), .u8(0)],
    [.u32(4), .text("disk"), .u16(0xffff), .u16(0)],
    [.u32(2), .bytes([0xc3, 0x28]), .u16(0)],
    [.u32(2), .bytes([0x61, 0]), .u16(0)],
    [.u32(4097), .bytes([UInt8](repeating: 0x61, count: 4097)), .u16(0)],
  ]

  @Test("wrong lengths and malformed strings are invalid", arguments: malformed)
  func liesAreInvalid(_ parts: [WirePart]) {
    for option: UInt32 in [6, 7] {
      let client = Transcript.greeted()
      client.send(Handshake.option(option, .bytes(wire(parts))) + Handshake.option(8))
      #expect(
        OptionVerdict.all(in: client.takeReplies()) == [
          OptionVerdict(option: option, type: OptionError.invalid),
          OptionVerdict(option: 8, type: 1),
        ])
    }
  }
}

@Suite("Limits before transmission")
struct HandshakeLimitTests {
  @Test("one option too many disconnects the client")
  func options() {
    var limits = HandshakeLimits()
    limits.options = 3
    let client = Transcript.greeted(limits: limits)
    client.send(Handshake.option(8) + Handshake.option(8) + Handshake.option(8))
    #expect(client.end == nil)
    client.send(Handshake.option(8))
    #expect(client.isAbandoned)
  }

  @Test("an option beyond the byte limit disconnects the client at its header")
  func bytes() {
    let client = Transcript.greeted()
    client.send(wire(.text("IHAVEOPT"), .u32(99), .u32(0xffff_ffff)))
    #expect(client.isAbandoned)
  }

  @Test("a client that lists many exports may ask about each of them")
  func listing() {
    var limits = HandshakeLimits()
    limits.options = 2
    let client = Transcript.greeted(limits: limits)
    for number in 0..<50 { client.exports["disk\(number)"] = Transcript.disk }
    client.send(Handshake.option(3))
    for number in 0..<50 {
      client.send(Handshake.choose(6, "disk\(number)"))
      client.send(Handshake.contexts(9, "disk\(number)", []))
    }
    #expect(client.end == nil)
  }

  @Test("a known option with too much data is skipped and refused", arguments: [6, 7, 9, 10])
  func longData(_ option: UInt32) {
    let client = Transcript.greeted()
    client.send(Handshake.option(option, .zeros((64 << 10) + 1)) + Handshake.option(8))
    #expect(
      OptionVerdict.all(in: client.takeReplies()) == [
        OptionVerdict(option: option, type: OptionError.tooBig),
        OptionVerdict(option: 8, type: 1),
      ])
  }

  @Test("a server that is shutting down refuses options, acknowledges ABORT and closes")
  func shutdown() {
    let client = Transcript.greeted()
    client.connection.shutDown()
    client.connection.receive(ByteBuffer(bytes: Handshake.option(3) + Handshake.option(2)))
    client.run()
    #expect(
      OptionVerdict.all(in: client.takeReplies()) == [
        OptionVerdict(option: 3, type: OptionError.shutdown), OptionVerdict(option: 2, type: 1),
      ])
    #expect(client.end == .finished)
  }

  @Test("a client that stops sending at any point is disconnected", arguments: [0, 3, 20])
  func endOfInput(_ count: Int) {
    let client = Transcript()
    client.send(Array((wire(.u32(3)) + Handshake.option(1, .text("disk"))).prefix(count)))
    client.connection.inputClosed()
    client.run()
    #expect(client.end == .finished)
  }
}
