import NBDProtocol
import NIOCore
import TestSupport
import Testing

@Suite("The end of a transmission")
struct EndOfTransmissionTests {
  @Test("DISC: requests in flight are finished, later bytes are not read")
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

  @Test("a half-closed connection still gets all its replies")
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

  @Test("shutting down: requests in flight get replies, new ones get none")
  func held() {
    let client = entered(.simple)
    client.send(Transmission.request(0, cookie: 1, length: 512))
    client.connection.shutDown()
    client.run()
    #expect(client.end == nil)
    #expect(!client.wantsInput)
    client.send(Transmission.request(0, cookie: 2, length: 512))
    #expect(client.work.map(\.request.cookie) == [1])
    #expect(client.takeReplies().isEmpty)
    #expect(client.finish(0))
    #expect(client.end == .finished)
    #expect(client.takeReplies().isEmpty)
  }

  @Test("a slow shutdown: new requests get ESHUTDOWN, those in flight get replies")
  func shutdown() {
    let client = entered(.simple)
    client.send(Transmission.request(0, cookie: 1, length: 512))
    client.connection.shutDown()
    client.run()
    #expect(client.end == nil)
    client.send(Transmission.request(0, cookie: 2, length: 512))
    client.connection.refuseRequests()
    client.send(Transmission.request(1, cookie: 3, length: 4) + [1, 2, 3, 4])
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

@Suite("Limits for requests in flight")
struct WindowTests {
  @Test("at the count limit no request is begun or read until one is finished")
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

  @Test("at the byte limit a request waits; alone, it may have any size")
  func bytes() {
    let client = entered(
      .simple, sizeBytes: 1 << 30, windowBytes: 10_000)
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

  @Test("a long read is cut at each MiB; only the last piece is marked done", arguments: 0..<4)
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

  @Test("a long read never exceeds the window")
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
