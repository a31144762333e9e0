import NBDProtocol
import NIOCore
import TestSupport
import Testing

@Suite("STARTTLS")
struct TLSTests {
  /// Returns a connection with TLS established.
  private func secured(_ policy: TLSPolicy) -> Transcript {
    let client = Transcript.greeted(tls: policy)
    client.send(Handshake.option(5))
    _ = client.takeReplies()
    client.establishTLS()
    return client
  }

  @Test("off: STARTTLS is refused by policy, and no option needs TLS")
  func off() {
    let client = Transcript.greeted()
    client.send(Handshake.option(5) + Handshake.option(5, .u8(0)) + Handshake.option(8))
    #expect(
      OptionVerdict.all(in: client.takeReplies()) == [
        OptionVerdict(option: 5, type: OptionError.policy),
        OptionVerdict(option: 5, type: OptionError.invalid),
        OptionVerdict(option: 8, type: 1),
      ])
    #expect(client.tlsCount == 0)
  }

  @Test(
    "on and required: the acknowledgement is unencrypted", arguments: [TLSPolicy.on, .require])
  func started(_ policy: TLSPolicy) {
    let client = Transcript.greeted(tls: policy)
    client.send(Handshake.option(5))
    #expect(client.takeReplies() == Handshake.acknowledgement(5))
    #expect(client.tlsCount == 1)
    #expect(client.wantsInput)
    #expect(client.isWaitingForOptions)
    client.establishTLS()
    client.send(Handshake.choose(7, "disk"))
    #expect(client.hasBegun)
  }

  @Test("with data it is invalid, and so is a second one", arguments: [TLSPolicy.on, .require])
  func invalid(_ policy: TLSPolicy) {
    let client = Transcript.greeted(tls: policy)
    client.send(Handshake.option(5, .zeros(3)))
    let verdict = OptionVerdict(option: 5, type: OptionError.invalid)
    #expect(OptionVerdict.all(in: client.takeReplies()) == [verdict])
    #expect(client.tlsCount == 0)

    let again = secured(policy)
    again.send(Handshake.option(5))
    #expect(OptionVerdict.all(in: again.takeReplies()) == [verdict])
    #expect(again.tlsCount == 1)
    #expect(again.end == nil)
  }

  @Test("STARTTLS resets everything that was negotiated before")
  func forgotten() {
    let client = Transcript.greeted(tls: .on)
    client.send(
      Handshake.option(11) + Handshake.contexts(10, "disk", ["base:allocation"])
        + Handshake.option(5))
    client.establishTLS()
    _ = client.takeReplies()
    #expect(client.style == .simple)
    // Structured replies are not refused, as they would be with extended headers. Contexts are not
    // kept.
    client.send(Handshake.option(8) + Handshake.choose(7, "disk"))
    #expect(client.hasBegun)
    _ = client.takeReplies()
    client.send(Transmission.request(7, cookie: 1, length: 512))
    var replies = client.takeReplies()
    #expect(WireStyle.structured.takeFailure(cookie: 1, offset: 0, from: &replies) == 22)
  }

  @Test(
    "unencrypted bytes after it end the connection, in one packet or later",
    arguments: [true, false])
  func plaintext(_ isOnePacket: Bool) {
    let client = Transcript.greeted(tls: .on)
    let smuggled = Handshake.option(3)
    if isOnePacket {
      client.send(Handshake.option(5) + smuggled)
      #expect(client.tlsCount == 0)
    } else {
      client.send(Handshake.option(5))
      client.send(smuggled)
    }
    #expect(client.isAbandoned)
    let replies = client.takeReplies()
    #expect(replies == (isOnePacket ? [] : Handshake.acknowledgement(5)))
  }

  @Test("an unencrypted byte received before TLS is established never counts")
  func plaintextAtTheLastMoment() {
    let client = Transcript.greeted(tls: .on)
    client.send(Handshake.option(5))
    client.connection.receive(ByteBuffer(bytes: [0x49]))
    client.establishTLS()
    #expect(client.isAbandoned)
  }

  @Test(
    "required: all but STARTTLS and ABORT get ERR_TLS_REQD, even unknown options",
    arguments: [
      Handshake.option(3), Handshake.option(3, .zeros(5)), Handshake.choose(6, "disk"),
      Handshake.choose(7, "disk"), Handshake.choose(7, "nosuch"), Handshake.option(8),
      Handshake.contexts(9, "disk", []), Handshake.contexts(10, "disk", ["base:allocation"]),
      Handshake.option(11), Handshake.option(0x4242, .zeros(70_000)), Handshake.option(7, .u8(9)),
    ])
  func required(_ option: [UInt8]) throws {
    let client = Transcript.greeted(tls: .require)
    client.send(option + Handshake.option(5))
    let replies = client.takeReplies()
    let verdicts = try #require(OptionVerdict.all(in: replies))
    #expect(verdicts.map(\.type) == [OptionError.tlsRequired, 1])
    // The reply must not contain a single byte about exports.
    #expect(!String(decoding: replies, as: UTF8.self).contains("web01"))
    client.establishTLS()
    client.send(Handshake.choose(7, "disk"))
    #expect(client.hasBegun)
  }

  @Test("required: EXPORT_NAME ends the connection silently, ABORT is acknowledged")
  func requiredEnds() {
    for flags: [UInt8] in [[0, 0, 0, 3], [0, 0, 0, 0]] {
      let client = Transcript.greeted(clientFlags: flags, tls: .require)
      client.send(Handshake.option(1, .text("disk")))
      #expect(client.isAbandoned)
      #expect(client.takeReplies().isEmpty)
    }
    let aborting = Transcript.greeted(tls: .require)
    aborting.send(Handshake.option(2))
    #expect(aborting.takeReplies() == Handshake.acknowledgement(2))
    #expect(aborting.end == .finished)
  }

  @Test("once TLS is established, no option asks for it", arguments: [TLSPolicy.on, .require])
  func established(_ policy: TLSPolicy) {
    let client = secured(policy)
    client.send(Handshake.option(3) + Handshake.option(0x4242))
    let types = OptionVerdict.all(in: client.takeReplies())?.map(\.type)
    #expect(types == [2, 1, OptionError.unsupported])
  }

  @Test(
    "a connection ends if the input or the server ends during the TLS handshake", arguments: 0..<2)
  func endWithin(_ which: Int) {
    let client = Transcript.greeted(tls: .on)
    client.send(Handshake.option(5))
    if which == 0 { client.connection.inputClosed() } else { client.connection.shutDown() }
    client.run()
    #expect(client.end == .finished)
  }

  @Test("a TLS handshake that succeeds after the end has no effect", arguments: 0..<3)
  func successAfterTheEnd(_ which: Int) {
    let client = Transcript.greeted(tls: .on)
    client.send(Handshake.option(5))
    switch which {
    case 0: client.connection.inputClosed()
    case 1: client.connection.shutDown()
    default: client.connection.receive(ByteBuffer(bytes: [0x49]))
    }
    client.run()
    let end = client.end
    #expect(end != nil)
    _ = client.takeReplies()
    client.connection.tlsEstablished()
    client.connection.receive(ByteBuffer(bytes: Handshake.option(3)))
    guard case .wait = client.connection.next() else {
      Issue.record("the connection goes on")
      return
    }
    #expect(!client.wantsInput)
  }

  @Test("an answer without a question is ignored")
  func unaskedAnswer() {
    let client = Transcript.greeted()
    client.connection.answer(.opened(Transcript.disk))
    client.connection.tlsEstablished()
    client.send(Handshake.option(3))
    #expect(OptionVerdict.all(in: client.takeReplies())?.map(\.type) == [2, 1])
  }
}
