import NBDTestSupport
import Glibc
import NIOCore
import TestSupport
import Testing

@testable import NBDServer

@Suite("Polling for work on a thread")
struct WorkPollingTests {
  private static let start = NIODeadline.uptimeNanoseconds(1_000_000)

  /// Returns, for each of several durations of work, whether the loop would then poll for the next
  /// work.
  private func decisions(after microseconds: [Int64]) -> [Bool] {
    var (polling, now) = (WorkPolling(), Self.start)
    return microseconds.map { duration in
      let stays = polling.noteStart(at: now)
      if stays, duration > 300 { polling.noteEnd() }
      now = now + .microseconds(duration)
      polling.noteFinished(at: now)
      return stays
    }
  }

  @Test("polling follows quick work, and stops after one poll in vain")
  func pauses() {
    #expect(
      decisions(after: [100, 100, 5_000, 5_000, 100, 100]) == [
        false, true, true, false, false, true,
      ])
  }

  @Test("after an interruption no thread polls for a while")
  func interruption() {
    var polling = WorkPolling()
    _ = polling.noteStart(at: Self.start)
    polling.noteFinished(at: Self.start + .microseconds(50))
    let second = Self.start + .microseconds(100)
    let isFirst = polling.noteStart(at: second)
    polling.noteInterruption(at: second + .microseconds(200))
    polling.noteFinished(at: second + .microseconds(200))
    let decisions = ([10, 400, 600] as [Int64]).map { milliseconds in
      let now = second + .milliseconds(milliseconds)
      _ = polling.noteStart(at: now)
      polling.noteFinished(at: now + .microseconds(50))
      return polling.noteStart(at: now + .microseconds(60))
    }
    #expect(isFirst)
    #expect(decisions == [false, false, true])
  }

  @Test("single requests are answered, quick or slow, also with a second client")
  func served() throws {
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
      // Nothing is cached, so a thread has to read it.
      client.send(Transmission.request(0, cookie: request + 1, offset: offset, length: 50))
      try client.expect(Transmission.simpleReply(cookie: request + 1) + bytes)
    }
  }

  @Test("a request that arrives while the loop polls is answered, too")
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
