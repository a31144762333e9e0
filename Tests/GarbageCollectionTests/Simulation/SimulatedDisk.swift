import ChunkFormat
import TestSupport

/// What a chunk holds: one of some families that have nothing in common, in one of its versions, which
/// differ little.
struct SimulatedContent: Hashable, Sendable {
  /// A chunk is shorter here than its place in the map says; neither store nor collection minds.
  static let lengthBytes = 384

  var family: UInt16
  var version: UInt16

  var bytes: [UInt8] {
    var random = SeededRandom(seed: UInt64(family))
    var bytes = random.bytes(Self.lengthBytes)
    bytes[7] ^= UInt8(truncatingIfNeeded: version)
    bytes[Self.lengthBytes / 2] ^= UInt8(truncatingIfNeeded: version >> 8)
    return bytes
  }
}

/// What a volume holds: a few chunks and holes, in one map node or in two with a third above them.
struct SimulatedDisk: Equatable, Sendable {
  static let chunkSizeBytes = 128 << 10
  private static let families: UInt16 = 14

  let chunkCount: UInt64
  /// What is left out are holes.
  var chunks: [UInt64: SimulatedContent] = [:]

  var sizeBytes: UInt64 { chunkCount * UInt64(Self.chunkSizeBytes) }

  /// The places that may hold something, by map node.
  var places: [[UInt64]] {
    chunkCount <= UInt64(MapNode.fanout)
      ? [Array(0..<min(5, chunkCount))] : [Array(0..<4), Array(256..<260)]
  }

  init(using random: inout SeededRandom) {
    chunkCount = Bool.random(using: &random) ? 5 : 2 * UInt64(MapNode.fanout)
    for place in places.joined() where Int.random(in: 0..<4, using: &random) > 0 {
      chunks[place] = Self.content(using: &random)
    }
  }

  /// A disk that begins with `contents`.
  init(_ contents: [SimulatedContent]) {
    chunkCount = UInt64(contents.count)
    for (place, content) in contents.enumerated() { chunks[UInt64(place)] = content }
  }

  /// The disk some time later.
  mutating func change(using random: inout SeededRandom) {
    let places = Array(self.places.joined())
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = places[Int.random(in: places.indices, using: &random)]
      switch Int.random(in: 0..<6, using: &random) {
      case 0: chunks[place] = nil
      case 1: chunks[place] = Self.content(using: &random)
      case 2: chunks[place] = chunks[places[Int.random(in: places.indices, using: &random)]]
      default: chunks[place]?.version = UInt16.random(in: 0..<40, using: &random)
      }
    }
  }

  private static func content(using random: inout SeededRandom) -> SimulatedContent {
    SimulatedContent(
      family: UInt16.random(in: 0..<families, using: &random),
      version: UInt16.random(in: 0..<3, using: &random))
  }
}
