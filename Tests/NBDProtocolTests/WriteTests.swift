import NBDProtocol
import NIOCore
import TestSupport
import Testing

@Suite("Writes")
struct WriteTests {
  /// Returns bytes that depend on their position.
  private func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }
  }

  private func payload(_ work: Work) -> [UInt8]? {
    work.payload.map { Array($0.readableBytesView) }
  }

  @Test("writes, zeroes, trims and flushes become work with the right range")
  func handedOut() {
    for style in WireStyle.allCases {
      let client = entered(style, writable: true)
      client.send(
        style.request(1, cookie: 1, offset: 7, length: 5) + [1, 2, 3, 4, 5]
          + style.request(6, flags: 2, cookie: 2, offset: 10, length: 20)
          + style.request(4, cookie: 3, offset: 30, length: 40) + style.request(3, cookie: 4))
      #expect(client.work.map(\.request.cookie) == [1, 2, 3, 4])
      #expect(client.work.map(\.range) == [7..<12, 10..<30, 30..<70, 0..<0])
      #expect(client.work.map(payload) == [[1, 2, 3, 4, 5], nil, nil, nil])
      #expect(client.work[1].request.flags == .noHole)
      #expect(client.takeReplies().isEmpty)
    }
  }

  @Test("a payload is assembled from slices of any size", arguments: [1, 3, 29, 1000, 70_000])
  func slices(_ sliceBytes: Int) {
    let content = pattern(60_000)
    for style in WireStyle.allCases {
      let client = entered(style, writable: true)
      let stream =
        style.request(1, cookie: 1, offset: 1, length: 20_000) + content[..<20_000]
        + style.request(1, cookie: 2, offset: 500_000, length: 40_000) + content[20_000...]
      client.send(stream, inSlicesOf: sliceBytes)
      #expect(client.work.compactMap(payload).map(\.count) == [20_000, 40_000])
      #expect(client.work.compactMap(payload).flatMap(\.self) == content)
    }
  }

  @Test("a long write becomes pieces as it arrives, cut at each MiB of the export")
  func pieces() {
    let client = entered(.simple, writable: true, sizeBytes: 1 << 30)
    let content = pattern(3 << 20)
    let offset: UInt64 = (1 << 20) - 512
    client.send(Transmission.request(1, cookie: 1, offset: offset, length: 3 << 20))
    client.send(Array(content[..<1000]))
    #expect(client.work.map(\.range) == [offset..<1 << 20])
    client.send(Array(content[1000...]))
    let boundaries: [UInt64] = [offset, 1 << 20, 2 << 20, 3 << 20, offset + 3 << 20]
    #expect(client.work.map(\.range) == zip(boundaries, boundaries.dropFirst()).map { $0..<$1 })
    #expect(client.work.compactMap(payload).flatMap(\.self) == content)
    #expect((0..<4).map { _ in client.finish(0) } == [false, false, false, true])
  }

  @Test("the reply to a long write reports the first failure of a piece", arguments: 0..<3)
  func firstFailure(_ first: Int) {
    let client = entered(.simple, writable: true, sizeBytes: 1 << 30)
    client.send(Transmission.request(1, cookie: 1, length: 3 << 20) + pattern(3 << 20))
    let full = Refusal(.noSpace, "full")
    #expect(client.complete(first, failure: full) == Completion(isLast: false, failure: full))
    let other = Refusal(.inputOutput, "other")
    #expect(client.complete(0, failure: other) == Completion(isLast: false, failure: full))
    #expect(client.complete(0) == Completion(isLast: true, failure: full))
  }

  @Test("a write of 32 MiB never holds or reads more than the window")
  func window() {
    let client = entered(.simple, writable: true, sizeBytes: 1 << 30, windowBytes: 4 << 20)
    client.send(Transmission.request(1, cookie: 1, length: 32 << 20))
    let block = [UInt8](repeating: 7, count: 1 << 19)
    var sentBytes = 0
    var pieces = 0
    while pieces < 32 {
      while client.wantsInput, sentBytes < 32 << 20 {
        client.send(block)
        sentBytes += block.count
        #expect(client.inFlightBytes <= 4 << 20)
      }
      #expect(client.work.count == min(4, 32 - pieces))
      let isLast = client.finish(0)
      pieces += 1
      #expect(isLast == (pieces == 32))
    }
    #expect(client.inFlightBytes == 0)
  }

  @Test("payloads count against the window from their first byte on")
  func promised() {
    let client = entered(.simple, writable: true, windowBytes: 10_000)
    client.send(
      Transmission.request(1, cookie: 1, length: 6000) + pattern(6000)
        + Transmission.request(1, cookie: 2, length: 6000) + pattern(10))
    #expect(client.work.map(\.request.cookie) == [1])
    #expect(!client.wantsInput)
    _ = client.finish(0)
    #expect(client.wantsInput)
    #expect(client.inFlightBytes == 6000)
    client.send(pattern(5990))
    #expect(client.work.map(\.request.cookie) == [2])
  }

  @Test("an oversized write is skipped; with extended headers it ends the connection")
  func tooLong() {
    let count = (32 << 20) + 1
    let client = entered(.simple, writable: true, sizeBytes: 1 << 30)
    client.send(Transmission.request(1, cookie: 1, length: UInt32(count)))
    client.send([UInt8](repeating: 0, count: count) + Transmission.request(0, cookie: 2))
    #expect(
      client.takeReplies()
        == Transmission.simpleReply(cookie: 1, error: 22) + Transmission.simpleReply(cookie: 2))

    let extended = entered(.extended, writable: true, sizeBytes: 1 << 30)
    extended.send(WireStyle.extended.request(1, cookie: 1, length: UInt64(count)))
    #expect(extended.isAbandoned)
  }

  @Test("a client that half-closes within a payload is disconnected after earlier work is done")
  func halfClosed() {
    let client = entered(.simple, writable: true)
    client.send(
      Transmission.request(1, cookie: 1, length: 3) + [1, 2, 3]
        + Transmission.request(1, cookie: 2, length: 5000) + pattern(4999))
    client.connection.inputClosed()
    client.run()
    #expect(client.work.map(\.request.cookie) == [1])
    #expect(client.end == nil)
    #expect(client.finish(0))
    #expect(client.end == .finished)
    #expect(client.inFlightBytes == 0)
  }

  @Test("a payload that waits for the window is written even after a half-close")
  func halfClosedFull() {
    let client = entered(.simple, writable: true, windowCount: 1)
    client.send(
      Transmission.request(1, cookie: 1, length: 3) + [1, 2, 3]
        + Transmission.request(1, cookie: 2, length: 3) + [4, 5, 6])
    client.connection.inputClosed()
    client.run()
    #expect(client.end == nil)
    _ = client.finish(0)
    #expect(client.work.compactMap(payload) == [[4, 5, 6]])
    _ = client.finish(0)
    #expect(client.end == .finished)
  }

  @Test("shutting down: a new write is refused, one that has begun is finished")
  func shutdown() {
    let client = entered(.simple, writable: true)
    client.send(Transmission.request(1, cookie: 1, length: 4) + [1, 2])
    client.connection.shutDown()
    client.connection.refuseRequests()
    client.run()
    #expect(client.end == nil)
    client.send([3, 4] + Transmission.request(1, cookie: 2, length: 2) + [5, 6])
    #expect(client.takeReplies() == Transmission.simpleReply(cookie: 2, error: 108))
    #expect(client.work.compactMap(payload) == [[1, 2, 3, 4]])
    _ = client.finish(0)
    #expect(client.end == .finished)
  }

  @Test("a fast zero is accepted only if it covers a whole block")
  func fastZero() {
    let size: UInt64 = (1 << 20) + 100
    let client = entered(.simple, writable: true, sizeBytes: size)
    let fast: [(UInt64, UInt64)] = [(0, 4096), (1, 8191), (4095, 4097), (1 << 20, 100), (0, size)]
    for (offset, length) in fast {
      client.send(
        Transmission.request(6, flags: 16, cookie: 1, offset: offset, length: UInt32(length)))
      #expect(client.takeReplies().isEmpty)
    }
    #expect(client.work.count == fast.count)
    for (offset, length): (UInt64, UInt32) in [(0, 4095), (1, 8190), (1 << 20, 99), (4097, 4095)] {
      client.send(
        Transmission.request(6, flags: 16, cookie: 2, offset: offset, length: length))
      #expect(client.takeReplies() == Transmission.simpleReply(cookie: 2, error: 95))
    }
  }
}

@Suite("Transmission flags")
struct TransmissionFlagsTests {
  /// Bits 0 HAS_FLAGS, 1 READ_ONLY, 2 FLUSH, 3 FUA, 5 TRIM, 6 WRITE_ZEROES, 7 DF, 8 MULTI_CONN,
  /// 10 CACHE, 11 FAST_ZERO, 12 BLOCK_STATUS_PAYLOAD.
  static let rows: [(isWritable: Bool, isShared: Bool, style: WireStyle, flags: UInt16)] = [
    (false, true, .simple, 0x0503), (false, false, .simple, 0x0503),
    (false, true, .structured, 0x0583), (false, true, .extended, 0x0583),
    (true, true, .simple, 0x0d6d), (true, false, .simple, 0x0c6d),
    (true, true, .structured, 0x0ded), (true, false, .extended, 0x0ced),
  ]

  @Test("the transmission flags match the export", arguments: rows)
  func flags(_ row: (isWritable: Bool, isShared: Bool, style: WireStyle, flags: UInt16)) {
    for option: UInt32 in [6, 7] {
      let client = Transcript.greeted()
      client.exports["disk"]?.isWritable = row.isWritable
      client.exports["disk"]?.isShared = row.isShared
      if row.style != .simple {
        client.send(Handshake.option(row.style == .extended ? 11 : 8))
      }
      _ = client.takeReplies()
      client.send(Handshake.choose(option, "disk"))
      #expect(
        client.takeReplies()
          == Handshake.reply(option, 3, .u16(0), .u64(1 << 20), .u16(row.flags))
          + Handshake.acknowledgement(option))
    }
  }

  @Test("BLOCK_STATUS_PAYLOAD needs extended headers and selected contexts")
  func statusPayload() {
    let client = Transcript.greeted()
    client.send(
      Handshake.option(11) + Handshake.contexts(10, "disk", ["base:allocation"]))
    _ = client.takeReplies()
    for (name, flags): (String, UInt16) in [("disk", 0x1583), ("", 0x0583)] {
      client.send(Handshake.choose(6, name))
      #expect(
        client.takeReplies()
          == Handshake.reply(6, 3, .u16(0), .u64(1 << 20), .u16(flags))
          + Handshake.acknowledgement(6))
    }
  }
}
