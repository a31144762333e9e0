/// Makes up what a client could send: options and requests that make sense, most of them, with
/// numbers at the edges of what is allowed; and the same damaged.
package struct RandomSession {
  /// Of the export `disk`.
  package let sizeBytes: UInt64
  private var numbers: SeededRandom

  /// Reads and writes most often, and two that no server knows.
  private static let commands: [UInt16] = [0, 0, 0, 1, 1, 1, 3, 4, 5, 6, 7, 8, 0xffff]

  package init(sizeBytes: UInt64, seed: UInt64) {
    self.sizeBytes = sizeBytes
    numbers = SeededRandom(seed: seed)
  }

  // MARK: Whole

  /// Requests in the transmission phase with cookies counted from 1, without DISC.
  ///
  /// - Returns: besides the bytes, the lengths of all reads by cookie.
  package mutating func requests(
    _ style: WireStyle, count: Int
  ) -> (bytes: [UInt8], readBytes: [UInt64: Int]) {
    var bytes: [UInt8] = []
    var readBytes: [UInt64: Int] = [:]
    for cookie in 1...UInt64(count) {
      let command = Self.commands.randomElement(using: &numbers)!
      let flags = flags()
      let hasPayload = command == 1 || style == .extended && flags & 32 != 0
      let length = hasPayload ? payloadLength() : length(style)
      if command == 0, let count = Int(exactly: length) { readBytes[cookie] = count }
      bytes += style.request(
        command, flags: flags, cookie: cookie, offset: offset(), length: length)
      if hasPayload { bytes += numbers.bytes(Int(length)) }
    }
    return (bytes, readBytes)
  }

  private mutating func flags() -> UInt16 {
    Bool.random(using: &numbers)
      ? 0 : [1, 2, 4, 8, 16, 32, 1 | 2, 0x8000].randomElement(using: &numbers)!
  }

  private mutating func payloadLength() -> UInt64 {
    [0, 1, 12, 511, 4096, 5000, 70_000, UInt64.random(in: 0..<200_000, using: &numbers)]
      .randomElement(using: &numbers)!
  }

  private mutating func length(_ style: WireStyle) -> UInt64 {
    var lengths: [UInt64] = [
      0, 1, 511, 512, 4096, 65_536, 65_537, sizeBytes, sizeBytes + 1, UInt64(UInt32.max),
      .random(in: 0..<300_000, using: &numbers),
    ]
    if style == .extended { lengths += [1 << 32, 1 << 63, .max] }
    return lengths.randomElement(using: &numbers)!
  }

  private mutating func offset() -> UInt64 {
    [
      0, 0, 1, 4096, sizeBytes / 2, sizeBytes - 1, sizeBytes, sizeBytes + 1, 1 << 32, 1 << 63,
      .max, .random(in: 0..<sizeBytes, using: &numbers),
      .random(in: 0..<sizeBytes, using: &numbers),
    ].randomElement(using: &numbers)!
  }

  // MARK: From the greeting on, whole or not

  /// A stream from the client's flags on, in one of five random, else a session, which is damaged
  /// more often than not.
  package mutating func hostileStream() -> [UInt8] {
    var stream = session()
    switch UInt8.random(in: 0..<10, using: &numbers) {
    case 0, 1:
      let kept = stream.prefix(Int.random(in: 0...stream.count, using: &numbers))
      return kept + numbers.bytes(Int.random(in: 0..<400, using: &numbers))
    case 2, 3: return stream
    default:
      for _ in 0...Int.random(in: 0..<5, using: &numbers) { damage(&stream) }
      return stream
    }
  }

  private mutating func damage(_ stream: inout [UInt8]) {
    // Most of a stream is payload; what is worth damaging stands at its beginning.
    let reach = Bool.random(using: &numbers) ? stream.count : min(stream.count, 400)
    guard let index = (0..<reach).randomElement(using: &numbers) else { return }
    switch UInt8.random(in: 0..<4, using: &numbers) {
    case 0: stream[index] = .random(in: .min ... .max, using: &numbers)
    case 1: stream[index] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
    case 2: stream.remove(at: index)
    default: stream.insert(.random(in: .min ... .max, using: &numbers), at: index)
    }
  }

  private mutating func session() -> [UInt8] {
    var style = WireStyle.simple
    var bytes = wire(.u32([3, 3, 3, 3, 3, 2, 1, 0, 7].randomElement(using: &numbers)!))
    for _ in 0..<Int.random(in: 0..<6, using: &numbers) { bytes += option(&style) }
    bytes +=
      Int.random(in: 0..<8, using: &numbers) == 0
      ? Handshake.option(1, .text("disk")) : Handshake.choose(7, "disk", information: [3, 1])
    bytes += requests(style, count: Int.random(in: 1..<12, using: &numbers)).bytes
    if Bool.random(using: &numbers) { bytes += style.request(2, cookie: 0) }
    return bytes
  }

  private mutating func option(_ style: inout WireStyle) -> [UInt8] {
    let queries = [
      ["base:allocation"], ["base:"], ["varve:"], ["varve:changed-since:x", "base:allocation"],
      [], ["x:y", ""], (0..<40).map { "varve:\($0)" },
    ].randomElement(using: &numbers)!
    let name = ["disk", "disk", "disk", "", "nosuch"].randomElement(using: &numbers)!
    switch UInt8.random(in: 0..<10, using: &numbers) {
    case 0: return Handshake.option(3)
    case 1: return Handshake.option(5)
    case 2: return Handshake.choose(6, name, information: [0, 1, 2, 3, 9])
    case 3, 4:
      if style == .simple { style = .structured }
      return Handshake.option(8)
    case 5, 6:
      style = .extended
      return Handshake.option(11)
    case 7: return Handshake.contexts(9, name, queries)
    case 8: return Handshake.contexts(10, name, queries)
    default:
      let count = Int.random(in: 0..<5000, using: &numbers)
      return Handshake.option(.random(in: 0..<20, using: &numbers), .zeros(count))
    }
  }
}
