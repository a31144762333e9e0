import NBDTestSupport
import Glibc
import NIOCore
import TestSupport
import Testing

@testable import NBDServer

@Suite("Polling for the next request")
struct RequestPollingTests {
  private static let start = NIODeadline.uptimeNanoseconds(1_000_000)

  @Test("polling follows a request that came at once, until one poll is in vain")
  func pauses() {
    var polling = RequestPolling()
    polling.noteInput(at: Self.start)
    var decisions = [polling.noteReply(at: Self.start)]
    polling.noteInput(at: Self.start + .microseconds(30))
    decisions.append(polling.noteReply(at: Self.start + .microseconds(50)))
    // The poll is in vain.
    polling.noteEnd(at: Self.start + .microseconds(90), cameInput: false)
    decisions.append(polling.noteReply(at: Self.start + .microseconds(95)))
    // The request still comes soon.
    polling.noteInput(at: Self.start + .microseconds(100))
    decisions.append(polling.noteReply(at: Self.start + .milliseconds(1)))
    polling.noteInput(at: Self.start + .milliseconds(2))
    decisions.append(polling.noteReply(at: Self.start + .milliseconds(3)))
    #expect(decisions == [false, true, false, true, false])
  }

  @Test("after an interruption no thread polls for a while")
  func interruption() {
    var polling = RequestPolling()
    _ = polling.noteReply(at: Self.start)
    polling.noteInput(at: Self.start + .microseconds(10))
    _ = polling.noteReply(at: Self.start + .microseconds(20))
    polling.noteEnd(at: Self.start + .milliseconds(3), cameInput: true)
    polling.noteInput(at: Self.start + .milliseconds(3))
    let decisions = ([4, 400, 600] as [Int64]).map { milliseconds in
      let now = Self.start + .milliseconds(milliseconds)
      _ = polling.noteReply(at: now)
      polling.noteInput(at: now + .microseconds(10))
      return polling.noteReply(at: now + .microseconds(20))
    }
    #expect(decisions == [false, false, true])
  }

  @Test("single requests are all answered, whether they come soon or late")
  func served() throws {
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
}
