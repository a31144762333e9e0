import NBDTestSupport
import Glibc
import NBDServer
import TestSupport
import Testing

@Suite("Writing")
struct WritingTests {
  private static let mebibyte: UInt64 = 1 << 20

  @Test("written bytes are read back", arguments: WireStyle.allCases)
  func readBack(_ style: WireStyle) throws {
    let volume = ScratchVolume(sizeBytes: Self.mebibyte)
    let server = try RunningServer(ScratchCatalog(volume))
    let client = try server.enter(style)
    client.send(style.request(1, cookie: 1, offset: 1000, length: 5) + [1, 2, 3, 4, 5])
    try client.expect(style.success(cookie: 1, offset: 1000))
    client.send(style.request(0, cookie: 2, offset: 999, length: 7))
    var reader = WireReader(try client.receive(style.dataReplyBytes + 7))
    let reply = reader.reply(style, readBytes: [2: 7])
    #expect(reply?.payload.suffix(7) == [0, 1, 2, 3, 4, 5, 0])
    client.send(style.request(6, cookie: 3, offset: 1001, length: 1))
    try client.expect(style.success(cookie: 3, offset: 1001))
    client.send(style.request(4, cookie: 4, offset: 1003, length: 1))
    try client.expect(style.success(cookie: 4, offset: 1003))
    #expect(volume.bytes(1000..<1005) == [1, 0, 3, 0, 5])
  }

  @Test("FUA writes through, FLUSH syncs, and NO_HOLE keeps the allocation")
  func durability() throws {
    let volume = ScratchVolume(sizeBytes: Self.mebibyte)
    let client = try RunningServer(ScratchCatalog(volume)).held { try $0.enter(.structured) }
    let requests: [(UInt16, UInt16, UInt64, UInt32, [ScratchVolume.Deed])] = [
      (1, 1, 0, 4, [.write(0..<4), .sync]), (1, 0, 0, 4, [.write(0..<4)]), (3, 0, 0, 0, [.sync]),
      (3, 1, 0, 0, [.sync]), (6, 0, 0, 8, [.zero(0..<8, mayTrim: true)]),
      (6, 3, 0, 8, [.zero(0..<8, mayTrim: false), .sync]), (4, 1, 0, 8, [.trim(0..<8), .sync]),
      (6, 16, 0, 4096, [.zero(0..<4096, mayTrim: true)]), (0, 1, 0, 8, []), (5, 1, 0, 8, []),
      (1, 1, 0, 0, []),
    ]
    var expected: [ScratchVolume.Deed] = []
    for (command, flags, offset, length, deeds) in requests {
      client.value.send(
        Transmission.request(command, flags: flags, cookie: 9, offset: offset, length: length)
          + [UInt8](repeating: 1, count: command == 1 ? Int(length) : 0))
      #expect(try client.value.receiveChunk().isDone)
      expected += deeds
      #expect(volume.deeds == expected)
    }
  }

  @Test("a write of 32 MiB is taken in pieces, and FUA covers all of it", arguments: [false, true])
  func large(_ isDurable: Bool) throws {
    let volume = ScratchVolume(sizeBytes: 33 * Self.mebibyte)
    let server = try RunningServer(ScratchCatalog(volume))
    let client = try server.enter(.simple)
    client.send(
      Transmission.request(
        1, flags: isDurable ? 1 : 0, cookie: 1, offset: 777, length: 32 << 20))
    func content(_ part: UInt64) -> [UInt8] {
      var numbers = SeededRandom(seed: part)
      return numbers.bytes(1 << 20)
    }
    for part in 0..<32 as Range<UInt64> { #expect(client.send(content(part))) }
    try client.expect(Transmission.simpleReply(cookie: 1))
    for part in 0..<32 as Range<UInt64> {
      let start = 777 + part * Self.mebibyte
      #expect(volume.bytes(start..<start + Self.mebibyte) == content(part))
    }
    #expect(volume.largestPayloadBytes <= 1 << 20)
    #expect(volume.deeds.last == .sync || !isDurable)
  }

  @Test(
    "many small writes at once are all carried out and answered", arguments: [0, 1000])
  func many(quickBytes: Int) throws {
    let volume = ScratchVolume(sizeBytes: Self.mebibyte, quickBytes: quickBytes)
    let server = try RunningServer(ScratchCatalog(volume))
    let client = try server.enter(.simple)
    let stream = (0..<1000 as Range<UInt64>).flatMap { number in
      Transmission.request(1, cookie: number, offset: number * 1000, length: 1000)
        + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 1000)
    }
    #expect(client.send(stream))
    var cookies: Set<UInt64> = []
    for _ in 0..<1000 {
      var reader = WireReader(try client.receive(16))
      let reply = reader.reply(.simple, readBytes: [:])
      #expect(reply?.error == nil)
      if let reply { cookies.insert(reply.cookie) }
    }
    #expect(cookies.count == 1000)
    let content = (0..<1000).flatMap {
      [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: 1000)
    }
    #expect(volume.bytes(0..<1_000_000) == content)
  }

  @Test("a quick write that hangs delays only other quick writes")
  func hanging() throws {
    let gate = Gate()
    let volume = ScratchVolume(sizeBytes: Self.mebibyte, gate: gate, quickBytes: 4)
    let server = try RunningServer(ScratchCatalog(volume))
    let client = try server.enter(.simple)
    for cookie in 1...40 as ClosedRange<UInt64> {
      client.send(Transmission.request(1, cookie: cookie, offset: cookie, length: 1) + [1])
    }
    client.send(Transmission.request(0, cookie: 41, length: 4))
    try client.expect(Transmission.simpleReply(cookie: 41) + [0, 0, 0, 0])
    #expect(volume.deeds.isEmpty)
    gate.open()
    for cookie in 1...40 as ClosedRange<UInt64> {
      try client.expect(Transmission.simpleReply(cookie: cookie))
    }
    #expect(volume.deeds == (1...40 as ClosedRange<UInt64>).map { .write($0..<$0 + 1) })
  }

  @Test("no space is ENOSPC with a reason; a long write reports its first failure")
  func noRoom() throws {
    let volume = ScratchVolume(sizeBytes: 8 * Self.mebibyte, roomBytes: 2 * Self.mebibyte)
    let server = try RunningServer(ScratchCatalog(volume))
    let client = try server.enter(.structured)
    for (command, length): (UInt16, UInt32) in [(1, 4 << 20), (6, 4 << 20), (1, 3 << 20)] {
      client.send(
        Transmission.request(command, cookie: 1, length: length)
          + [UInt8](repeating: 1, count: command == 1 ? Int(length) : 0))
      let chunk = try client.receiveChunk()
      #expect(chunk.isDone && chunk.type == 0x8001)
      #expect(chunk.payload.starts(with: [0, 0, 0, 28]))
      #expect(String(decoding: chunk.payload, as: UTF8.self).contains("no room"))
    }
    client.send(Transmission.request(3, cookie: 2))
    try client.expect(Transmission.chunk(0, cookie: 2, done: true))
    #expect(server.log.all.contains { $0.contains("overlay of web01/vda: no room") })
  }

  @Test("payloads in flight are limited, and so is reading from the socket")
  func window() throws {
    let gate = Gate()
    let volume = ScratchVolume(sizeBytes: 16 * Self.mebibyte, gate: gate)
    let server = try RunningServer(ScratchCatalog(volume)) { $0.inFlightLimitBytes = 2 << 20 }
    let stream =
      Transmission.request(1, cookie: 1, length: 16 << 20)
      + [UInt8](repeating: 3, count: 16 << 20)
    let client = try server.enter(.simple)
    let sending = Sending(stream, by: client)
    #expect(eventually { sending.sentBytes >= 2 << 20 })
    usleep(100_000)
    // The limit includes the window, the bytes received in one read, and the bytes in the sockets.
    #expect(sending.sentBytes <= 4 << 20)
    #expect(volume.deeds.isEmpty)
    gate.open()
    #expect(sending.wait())
    try client.expect(Transmission.simpleReply(cookie: 1))
  }

  @Test("a flush waits for no unanswered request, and answers overtake it")
  func outOfOrder() throws {
    let gate = Gate()
    let volume = ScratchVolume(sizeBytes: Self.mebibyte, gate: gate)
    let server = try RunningServer(ScratchCatalog(volume))
    let client = try server.enter(.simple)
    client.send(Transmission.request(3, cookie: 1) + Transmission.request(4, cookie: 2, length: 4))
    try client.expect(Transmission.simpleReply(cookie: 2))
    gate.open()
    try client.expect(Transmission.simpleReply(cookie: 1))
  }

  @Test("connections share a volume, or each has its own if it is not shared")
  func sharing() throws {
    let shared = ScratchVolume(sizeBytes: Self.mebibyte)
    let server = try RunningServer(ScratchCatalog(shared))
    let (first, second) = (try server.enter(.simple), try server.enter(.simple))
    first.send(Transmission.request(1, cookie: 1, length: 1) + [7])
    try first.expect(Transmission.simpleReply(cookie: 1))
    second.send(Transmission.request(0, cookie: 2, length: 1))
    try second.expect(Transmission.simpleReply(cookie: 2) + [7])

    let made = MadeVolumes()
    let privately = try RunningServer(ScratchCatalog { made.make() })
    var clients = [try privately.enter(.simple), try privately.enter(.simple)]
    clients[0].send(Transmission.request(1, cookie: 1, length: 1) + [7])
    try clients[0].expect(Transmission.simpleReply(cookie: 1))
    clients[1].send(Transmission.request(0, cookie: 2, length: 1))
    try clients[1].expect(Transmission.simpleReply(cookie: 2) + [0])
    #expect(made.all.count == 2)
    #expect(made.all.allSatisfy { $0.closeCount == 0 })
    clients.removeFirst()
    #expect(eventually { made.all.map(\.closeCount).reduce(0, +) == 1 })
    clients = []
    #expect(eventually { made.all.allSatisfy { $0.closeCount == 1 } })
  }

  @Test("INFO, a selection and GO use one volume of the connection")
  func oneDevice() throws {
    let made = MadeVolumes()
    let server = try RunningServer(ScratchCatalog { made.make() })
    let client = try server.greet()
    client.send(Handshake.option(8) + Handshake.choose(6, "disk"))
    client.send(
      Handshake.contexts(10, "disk", ["base:allocation"]) + Handshake.choose(6, "nosuch")
        + Handshake.choose(7, "disk"))
    client.send(Transmission.request(2, cookie: 0))
    _ = try client.receiveToEnd()
    #expect(made.all.count == 1)
    #expect(eventually { made.all.first?.closeCount == 1 })
  }

  @Test("if a client dies within a payload, answered writes remain, nothing is in flight")
  func death() throws {
    let volume = ScratchVolume(sizeBytes: Self.mebibyte)
    let server = try RunningServer(ScratchCatalog(volume))
    for _ in 0..<20 {
      let client = try server.enter(.simple)
      client.send(Transmission.request(1, cookie: 1, length: 4) + [1, 2, 3, 4])
      try client.expect(Transmission.simpleReply(cookie: 1))
      client.send(Transmission.request(1, cookie: 2, offset: 100, length: 500_000) + [9, 9])
    }
    #expect(eventually { server.server.connections.isEmpty && volume.closeCount == 20 })
    #expect(volume.bytes(0..<4) == [1, 2, 3, 4])
    #expect(volume.bytes(100..<102) == [0, 0])
  }
}

extension WireStyle {
  /// The number of bytes before the data in a reply with one chunk.
  var dataReplyBytes: Int {
    switch self {
    case .simple: 16
    case .structured: 28
    case .extended: 40
    }
  }
}
