import NBDProtocol
import TestSupport
import Testing

@Suite("Metadata contexts")
struct MetaContextTests {
  /// Returns a connection with structured replies.
  private func negotiated() -> Transcript {
    let client = Transcript.greeted()
    client.send(Handshake.option(8))
    _ = client.takeReplies()
    return client
  }

  private func context(_ option: UInt32, id: UInt32) -> [UInt8] {
    Handshake.reply(option, 4, .u32(id), .text("base:allocation"))
      + Handshake.acknowledgement(option)
  }

  @Test(
    "LIST returns each context that matches the queries once",
    arguments: [
      [], ["base:"], ["base:allocation"], ["base:", "base:allocation", "base:"],
      ["qemu:dirty-bitmap:x", "base:allocation"],
    ])
  func listed(_ queries: [String]) {
    let client = negotiated()
    client.send(Handshake.contexts(9, "disk", queries))
    #expect(client.takeReplies() == context(9, id: 0))
  }

  @Test(
    "LIST ignores unknown queries",
    arguments: [["base:nosuch"], ["x-other:"], ["nocolon"], [""]])
  func listedNothing(_ queries: [String]) {
    let client = negotiated()
    client.send(Handshake.contexts(9, "disk", queries))
    #expect(client.takeReplies() == Handshake.acknowledgement(9))
  }

  @Test("SET selects a context by its full name, once", arguments: [1, 2])
  func selected(_ times: Int) {
    let client = negotiated()
    let queries = [String](repeating: "base:allocation", count: times)
    client.send(Handshake.contexts(10, "disk", queries + ["base:nosuch"]))
    #expect(client.takeReplies() == context(10, id: 1))
  }

  @Test("SET selects nothing by a wildcard or without queries", arguments: [[], ["base:"]])
  func selectedNothing(_ queries: [String]) {
    let client = negotiated()
    client.send(Handshake.contexts(10, "disk", queries))
    #expect(client.takeReplies() == Handshake.acknowledgement(10))
  }

  @Test("SET needs structured replies; LIST does not")
  func needsStructuredReplies() {
    let client = Transcript.greeted()
    client.send(
      Handshake.contexts(10, "disk", ["base:allocation"]) + Handshake.contexts(9, "disk", []))
    let verdicts = OptionVerdict.all(in: client.takeReplies())
    #expect(verdicts?.first == OptionVerdict(option: 10, type: OptionError.invalid))
    #expect(verdicts?.last == OptionVerdict(option: 9, type: 1))
  }

  @Test("a missing export is reported as unknown", arguments: [9, 10])
  func unknownExport(_ option: UInt32) {
    let client = negotiated()
    client.send(Handshake.contexts(option, "nosuch", ["base:allocation"]))
    #expect(
      OptionVerdict.all(in: client.takeReplies()) == [
        OptionVerdict(option: option, type: OptionError.unknown)
      ])
  }

  static let malformed: [[WirePart]] = [
    [.u32(4), .text("disk")],
    [.u32(4), .text("disk"), .u32(1)],
    [.u32(4), .text("disk"), .u32(1), .u32(5), .text("base")],
    [.u32(4), .text("disk"), .u32(0xffff_ffff), .u32(0)],
    [.u32(4), .text("disk"), .u32(0), .u8(0)],
    [.u32(40), .text("disk"), .u32(0)],
    [.u32(4), .text("disk"), .u32(1), .u32(1), .bytes([0xff])],
    [.u32(4), .text("disk"), .u32(1), .u32(1), .bytes([0])],
  ]

  @Test("wrong lengths are invalid, and the stream stays in step", arguments: malformed)
  func liesAreInvalid(_ parts: [WirePart]) {
    for option: UInt32 in [9, 10] {
      let client = negotiated()
      client.send(Handshake.option(option, .bytes(wire(parts))) + Handshake.option(8))
      #expect(
        OptionVerdict.all(in: client.takeReplies()) == [
          OptionVerdict(option: option, type: OptionError.invalid),
          OptionVerdict(option: 8, type: 1),
        ])
    }
  }

  /// The bytes between SET and GO, and whether BLOCK_STATUS then works.
  static let sequels: [([UInt8], String, Bool)] = [
    ([], "disk", true),
    (Handshake.contexts(9, "disk", ["x:"]), "disk", true),
    (Handshake.choose(6, "disk"), "disk", true),
    ([], "", false),
    (Handshake.contexts(10, "disk", []), "disk", false),
    (Handshake.contexts(10, "nosuch", ["base:allocation"]), "disk", false),
    (Handshake.option(10, .u32(99)), "disk", false),
    (Handshake.option(10, .zeros(70_000)), "disk", false),
  ]

  @Test(
    "each SET replaces the one before, even a failing one; another export voids it",
    arguments: sequels)
  func replaced(_ between: [UInt8], _ entered: String, _ works: Bool) {
    let client = negotiated()
    client.send(Handshake.contexts(10, "disk", ["base:allocation"]))
    client.send(between + Handshake.choose(7, entered))
    #expect(client.hasBegun)
    client.send(Transmission.request(7, cookie: 1, length: 4096))
    #expect(client.work.isEmpty != works)
  }

  // MARK: Contexts of the export itself

  static let own = (0..<3).map { "varve:changed-since:\($0)" }

  private func negotiated(own: [String]) -> Transcript {
    let client = negotiated()
    client.ownContexts = own
    return client
  }

  private func replies(_ option: UInt32, _ contexts: [(UInt32, String)]) -> [UInt8] {
    contexts.flatMap { Handshake.reply(option, 4, .u32($0.0), .text($0.1)) }
      + Handshake.acknowledgement(option)
  }

  @Test("LIST finds own contexts by name, by namespace, and without queries")
  func ownListed() {
    let client = negotiated(own: Self.own)
    client.send(Handshake.contexts(9, "disk", [Self.own[1], Self.own[1]]))
    #expect(client.takeReplies() == replies(9, [(0, Self.own[1])]))
    client.send(Handshake.contexts(9, "disk", ["varve:"]))
    #expect(client.takeReplies() == replies(9, Self.own.map { (0, $0) }))
    client.send(Handshake.contexts(9, "disk", []))
    #expect(client.takeReplies() == replies(9, [(0, "base:allocation")] + Self.own.map { (0, $0) }))
    client.send(Handshake.contexts(9, "disk", ["base:"]))
    #expect(client.takeReplies() == replies(9, [(0, "base:allocation")]))
    #expect(client.queries == [[Self.own[1]], ["varve:"], ["varve:"]])
  }

  @Test("SET selects own contexts by full name only, numbers them, each once")
  func ownSelected() {
    let client = negotiated(own: Self.own)
    client.send(
      Handshake.contexts(
        10, "disk", [Self.own[2], "varve:", Self.own[0], "varve:nosuch", Self.own[2]]))
    #expect(client.takeReplies() == replies(10, [(2, Self.own[0]), (3, Self.own[2])]))
    #expect(client.queries == [[Self.own[2], Self.own[0], "varve:nosuch"]])
    client.send(Handshake.contexts(10, "disk", ["varve:"]))
    #expect(client.takeReplies() == replies(10, []))
    #expect(client.queries.count == 1)
    client.send(Handshake.contexts(10, "disk", [Self.own[1], "base:allocation"]))
    #expect(client.takeReplies() == replies(10, [(1, "base:allocation"), (2, Self.own[1])]))
  }

  @Test("one option may contain up to sixteen queries for own contexts", arguments: [9, 10])
  func ownLimit(_ option: UInt32) {
    let many = (0..<17).map { "varve:changed-since:\($0)" }
    let client = negotiated(own: many)
    client.send(
      Handshake.contexts(option, "disk", Array(many.dropLast()) + many.dropLast())
        + Handshake.contexts(option, "disk", many))
    let verdicts = OptionVerdict.all(in: client.takeReplies()) ?? []
    #expect(verdicts.map(\.type) == [UInt32](repeating: 4, count: 16) + [1, OptionError.tooBig])
  }
}
