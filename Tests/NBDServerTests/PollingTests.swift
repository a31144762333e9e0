import NBDTestSupport
import Glibc
import NIOCore
import TestSupport
import Testing

@testable import NBDServer

@Suite("Staying awake for what comes next")
struct PollingTests {
  private static let start = NIODeadline.uptimeNanoseconds(1_000_000)

  /// Whether a thread would stay awake for the next of what took so long each.
  private func decisions(of polling: Polling, after microseconds: [Int64]) -> [Bool] {
    var (polling, now) = (polling, Self.start)
    return microseconds.map { duration in
      let duration = TimeAmount.microseconds(duration)
      let stays = polling.begin(at: now)
      if stays, duration > polling.limit {
        polling.end(at: now + polling.limit, inVain: true, wasStopped: false)
      }
      now = now + duration
      polling.noteArrival(at: now)
      return stays
    }
  }

  @Test("it is worth while after what came soon, and in vain once at most")
  func pauses() {
    #expect(
      decisions(of: .forRequest, after: [30, 30, 5_000, 5_000, 80, 30]) == [
        false, true, true, false, false, true,
      ])
    #expect(
      decisions(of: .forWork, after: [100, 100, 5_000, 5_000, 300, 100]) == [
        false, true, true, false, false, true,
      ])
  }

  @Test("what comes a little too late does not keep the next from being waited for")
  func narrowlyMissed() {
    #expect(decisions(of: .forRequest, after: [30, 60, 30]) == [false, true, true])
  }

  @Test("after it was in vain, nobody stays awake before something has come")
  func vain() {
    var polling = Polling.forWork
    _ = polling.begin(at: Self.start)
    polling.noteArrival(at: Self.start + .microseconds(50))
    let isFirst = polling.begin(at: Self.start + .microseconds(60))
    polling.end(at: Self.start + .microseconds(360), inVain: true, wasStopped: false)
    let isSecond = polling.begin(at: Self.start + .microseconds(400))
    #expect(isFirst)
    #expect(!isSecond)
  }

  @Test("where the thread was stopped for others, nobody stays awake for a while")
  func interruption() {
    var polling = Polling.forRequest
    _ = polling.begin(at: Self.start)
    polling.noteArrival(at: Self.start + .microseconds(10))
    let second = Self.start + .microseconds(20)
    let isFirst = polling.begin(at: second)
    polling.end(at: second + .microseconds(50), inVain: false, wasStopped: true)
    polling.noteArrival(at: second + .microseconds(50))
    let decisions = ([10, 400, 600] as [Int64]).map { milliseconds in
      let now = second + .milliseconds(milliseconds)
      _ = polling.begin(at: now)
      polling.noteArrival(at: now + .microseconds(10))
      return polling.begin(at: now + .microseconds(20))
    }
    #expect(isFirst)
    #expect(decisions == [false, false, true])
  }

  @Test("one request at a time, soon after each other and late, are all answered")
  func servedFromMemory() throws {
    let volume = MemoryVolume(sizeBytes: 1 << 20)
    let server = try RunningServer(volume)
    let client = try server.enter(.simple)
    var others: [RawClient] = []
    for cookie in 0..<300 as Range<UInt64> {
      if cookie == 100 { others.append(try server.enter()) }
      if cookie == 200 { others.removeAll() }
      if cookie.isMultiple(of: 7) { usleep(500) }
      let offset = cookie * 100
      client.send(Transmission.request(0, cookie: cookie, offset: offset, length: 50))
      try client.expect(
        Transmission.simpleReply(cookie: cookie) + volume.bytes(offset..<offset + 50))
    }
  }

  @Test("one request at a time is answered, soon and late, also while another client is there")
  func servedByAThread() throws {
    let volume = ScratchVolume(sizeBytes: 1 << 20, quickBytes: 64)
    let server = try RunningServer(ScratchCatalog(volume))
    let client = try server.enter(.simple)
    var others: [RawClient] = []
    for cookie in 0..<300 as Range<UInt64> {
      if cookie == 100 { others.append(try server.enter(.simple)) }
      if cookie == 200 { others.removeAll() }
      if cookie.isMultiple(of: 7) { usleep(1000) }
      let bytes = [UInt8](repeating: UInt8(cookie % 251), count: 50)
      let (offset, request) = (cookie * 100, cookie * 2)
      client.send(
        Transmission.request(1, cookie: request, offset: offset, length: 50) + bytes)
      try client.expect(Transmission.simpleReply(cookie: request))
      // Nothing is at hand, so that a thread has to read it.
      client.send(Transmission.request(0, cookie: request + 1, offset: offset, length: 50))
      try client.expect(Transmission.simpleReply(cookie: request + 1) + bytes)
    }
  }

  @Test("what comes while the loop stays awake for another request is answered, too")
  func overtaking() throws {
    let volume = ScratchVolume(sizeBytes: 1 << 20)
    let server = try RunningServer(ScratchCatalog(volume))
    let client = try server.enter(.simple)
    for cookie in 0..<50 as Range<UInt64> {
      client.send(Transmission.request(0, cookie: cookie, length: 4))
      try client.expect(Transmission.simpleReply(cookie: cookie) + [0, 0, 0, 0])
    }
    for cookie in 50..<70 as Range<UInt64> {
      client.send(Transmission.request(1, cookie: cookie, offset: cookie, length: 1) + [1])
      client.send(Transmission.request(0, cookie: cookie + 100, length: 4))
      var left: Set<[UInt8]> = [
        Transmission.simpleReply(cookie: cookie), Transmission.simpleReply(cookie: cookie + 100),
      ]
      while !left.isEmpty {
        let reply = try client.receive(16)
        try #require(left.remove(reply) != nil)
        if reply == Transmission.simpleReply(cookie: cookie + 100) {
          #expect(try client.receive(4) == [0, 0, 0, 0])
        }
      }
    }
  }
}
