import ChunkFormat

/// The position of a node in a map: its level, and its number among the nodes of that level.
///
/// A node of a level holds the same chunks whatever the height of the map, so positions in maps of
/// different heights can be compared.
package struct NodePosition: Hashable, Sendable {
  /// Bits of a chunk's number that one level resolves.
  static let bitsPerLevel = MapNode.fanout.trailingZeroBitCount

  /// Distance from the leaves.
  package let level: Int
  /// Number among the nodes of the level, counted from 0 at the beginning of the volume.
  package let number: UInt64

  package init(level: Int, number: UInt64) {
    self.level = level
    self.number = number
  }

  /// The node of `level` that holds chunk `chunk`.
  package init(level: Int, holding chunk: UInt64) {
    self.init(level: level, number: chunk >> Self.shift(level + 1))
  }

  // Swift's shifts give 0 past 63 bits, which is right for the node of level 7 that holds
  // everything.
  private static func shift(_ levels: Int) -> Int { levels * bitsPerLevel }

  /// The first chunk that the node holds.
  package var firstChunk: UInt64 { number << Self.shift(level + 1) }

  /// The chunk after the last one that the node can hold; the maximum for the highest possible
  /// level.
  package var endChunk: UInt64 {
    level + 1 < MapNode.maximumLevels ? (number + 1) << Self.shift(level + 1) : .max
  }

  /// Chunks that one child can hold.
  package var chunksPerChild: UInt64 { 1 << UInt64(Self.shift(level)) }

  /// Whether chunk `chunk` lies under the node.
  package func holds(_ chunk: UInt64) -> Bool { chunk >> Self.shift(level + 1) == number }

  /// The child that holds chunk `chunk`, which must be one of the node's.
  package func childIndex(of chunk: UInt64) -> Int {
    Int(chunk >> Self.shift(level)) & (MapNode.fanout - 1)
  }

  /// The position of child `index` of an inner node.
  package func child(_ index: Int) -> NodePosition {
    NodePosition(level: level - 1, number: number << Self.shift(1) | UInt64(index))
  }

  /// The node above, and the index of this node in it.
  package var parent: (position: NodePosition, index: Int) {
    (
      NodePosition(level: level + 1, number: number >> Self.shift(1)),
      Int(number) & (MapNode.fanout - 1)
    )
  }
}
