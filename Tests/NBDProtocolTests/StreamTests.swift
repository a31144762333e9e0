import NBDProtocol
import NIOCore
import TestSupport
import Testing

@Suite("Streams")
struct StreamTests {
  /// Everything that a server does in response to a stream.
  private struct Effect: Equatable {
    var replies: [UInt8]
    var work: [String]
    var isFinished: Bool
  }

  /// Sends a stream in slices of random lengths up to its end, and finishes work as it comes.
  private func run(
    _ stream: [UInt8], _ numbers: inout SeededRandom, most: Int, tls: TLSPolicy = .off
  ) -> Effect {
    let client = Transcript(tls: tls)
    client.exports["disk"] = Transcript.writable
    client.ownContexts = ["varve:changed-since:x"]
    var work: [String] = []
    var position = 0
    while position < stream.count, client.end == nil {
      let count = min(Int.random(in: 1...most, using: &numbers), stream.count - position)
      client.send(Array(stream[position..<position + count]))
      position += count
      work += finishAll(client, &numbers)
    }
    client.connection.inputClosed()
    client.run()
    work += finishAll(client, &numbers)
    #expect(client.end != nil)
    #expect(client.inFlightBytes == 0 || client.isAbandoned)
    return Effect(
      replies: client.takeReplies(), work: work.sorted(), isFinished: client.end == .finished)
  }

  private func finishAll(_ client: Transcript, _ numbers: inout SeededRandom) -> [String] {
    var done: [String] = []
    while let index = client.work.indices.randomElement(using: &numbers) {
      let work = client.work[index]
      done.append("\(work.request) \(work.range) \(work.payload?.readableBytesView.hashValue ?? 0)")
      _ = client.finish(index)
    }
    return done
  }

  @Test(
    "the replies do not depend on how the stream is cut", arguments: WireStyle.allCases, 1...20)
  func cuts(_ style: WireStyle, _ seed: UInt64) {
    var numbers = SeededRandom(seed: seed)
    var session = RandomSession(sizeBytes: 1 << 30, seed: seed)
    var stream = wire(.u32(3)) + Handshake.option(3) + Handshake.option(0x77, .zeros(40))
    if let option = style.option { stream += Handshake.option(option) }
    stream +=
      Handshake.contexts(10, "disk", ["base:allocation", "varve:changed-since:x"])
      + Handshake.choose(6, "nosuch") + Handshake.choose(7, "disk", information: [1, 2, 3])
      + session.requests(style, count: 20).bytes + style.request(2, cookie: 0)
    let whole = run(stream, &numbers, most: 1 << 30)
    let inPieces = run(stream, &numbers, most: seed.isMultiple(of: 2) ? 300 : 20_000)
    #expect(whole == inPieces)
    #expect(whole.isFinished)
    #expect(whole.replies.count > 300)
  }

  @Test("the server survives any bytes and ends with the client", arguments: 1...20)
  func hostile(_ seed: UInt64) {
    var numbers = SeededRandom(seed: seed)
    var session = RandomSession(sizeBytes: 1 << 30, seed: seed)
    let policies = [TLSPolicy.off, .off, .on, .require]
    for _ in 0..<50 * longTestFactor {
      let stream = session.hostileStream()
      let tls = policies.randomElement(using: &numbers) ?? .off
      let effect = run(stream, &numbers, most: 10_000, tls: tls)
      // A reply is at most a list, an information and a message. None may be excessively long.
      #expect(effect.replies.count < 100 * stream.count + 100)
    }
  }
}
