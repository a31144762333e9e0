import NBDProtocol
import NIOCore
import TestSupport
import Testing

@Suite("Streams")
struct StreamTests {
  static let session: [UInt8] =
    wire(.u32(3)) + Handshake.option(3) + Handshake.option(0x77, .zeros(40)) + Handshake.option(8)
    + Handshake.contexts(9, "disk", []) + Handshake.contexts(10, "disk", ["base:allocation"])
    + Handshake.choose(6, "nosuch") + Handshake.choose(7, "disk", information: [1, 2, 3])
    + Transmission.request(0, cookie: 1, length: 512)
    + Transmission.request(1, cookie: 2, length: 100) + [UInt8](repeating: 7, count: 100)
    + Transmission.request(7, cookie: 3, length: 4096) + Transmission.request(3, cookie: 4)
    + Transmission.request(2, cookie: 0)

  /// Runs a stream in slices, finishing work as it comes.
  private func run(_ stream: [UInt8], _ numbers: inout SeededRandom, most: Int) -> [UInt8] {
    let client = Transcript()
    var position = 0
    while position < stream.count, client.end == nil {
      let count = min(Int.random(in: 1...most, using: &numbers), stream.count - position)
      client.send(Array(stream[position..<position + count]))
      position += count
      while !client.work.isEmpty { _ = client.finish(0) }
    }
    return client.takeReplies()
  }

  @Test("a session is answered alike however it is cut", arguments: 1...200)
  func cuts(_ seed: UInt64) {
    var numbers = SeededRandom(seed: seed)
    let whole = run(Self.session, &numbers, most: 1 << 20)
    let inPieces = run(Self.session, &numbers, most: Int(seed % 60) + 1)
    #expect(whole == inPieces)
    #expect(whole.count > 400)
  }

  @Test("mutated sessions are survived and answered within bounds", arguments: 1...20)
  func mutations(_ seed: UInt64) {
    var numbers = SeededRandom(seed: seed)
    for _ in 0..<500 {
      var stream = Self.session
      for _ in 0...Int.random(in: 0..<4, using: &numbers) {
        let index = stream.indices.randomElement(using: &numbers) ?? 0
        switch UInt8.random(in: 0..<4, using: &numbers) {
        case 0: stream[index] = .random(in: .min ... .max, using: &numbers)
        case 1: stream[index] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
        case 2: stream.remove(at: index)
        default: stream.insert(.random(in: .min ... .max, using: &numbers), at: index)
        }
      }
      let replies = run(stream, &numbers, most: 100)
      // A reply is at most a list, an information and a message; none may be out of proportion.
      #expect(replies.count < 100 * stream.count)
    }
  }
}
