import ChunkFormat
import TestSupport

/// The content of a chunk: a family and a version. Families have nothing in common. Versions of one
/// family differ only a little.
struct SimulatedContent: Hashable, Sendable {
  /// Chunks are shorter here than their maps say. Neither the store nor the collection checks this.
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

/// The content of a volume: a few chunks and holes, in one map node, or in two nodes with a third
/// one above.
struct SimulatedDisk: Equatable, Sendable {
  static let chunkSizeBytes = 128 << 10
  private static let families: UInt16 = 14

  let chunkCount: UInt64
  /// Chunks that are not listed are holes.
  var chunks: [ChunkNumber: SimulatedContent] = [:]

  var sizeBytes: UInt64 { chunkCount * UInt64(Self.chunkSizeBytes) }

  /// The positions that may have content, by map node.
  var places: [[ChunkNumber]] {
    chunkCount <= UInt64(MapNode.fanout)
      ? [Array(0..<min(5, ChunkNumber(chunkCount)))] : [Array(0..<4), Array(256..<260)]
  }

  init(using random: inout SeededRandom) {
    chunkCount = Bool.random(using: &random) ? 5 : 2 * UInt64(MapNode.fanout)
    for place in places.joined() where Int.random(in: 0..<4, using: &random) > 0 {
      chunks[place] = Self.content(using: &random)
    }
  }

  /// Creates a disk that begins with `contents`.
  init(_ contents: [SimulatedContent]) {
    chunkCount = UInt64(contents.count)
    for (place, content) in contents.enumerated() { chunks[ChunkNumber(UInt64(place))] = content }
  }

  /// Changes the disk, as over some time.
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
