package import ChunkFormat

/// The shape of a volume and its map: the number and length of chunks, and the levels of nodes.
package struct MapGeometry: Equatable, Sendable {
  /// Size of the largest volume in bytes. Even rounded up to whole chunks, it fits into `off_t`.
  package static let maximumSizeBytes = RevisionVolume.maximumSizeBytes

  /// Size of the volume in bytes, 0 to ``maximumSizeBytes``.
  package let sizeBytes: UInt64
  /// Size of every chunk except the last in bytes, a power of two.
  package let chunkSizeBytes: Int
  /// The number of chunks in the volume; the last chunk may be short.
  package let chunkCount: UInt64
  /// Levels of nodes, 1 to ``MapNode/maximumLevels``: the fewest levels that can hold
  /// ``chunkCount`` chunks. An empty volume has one level.
  package let levels: Int

  /// - Throws: ``MapError`` with `.invalidArgument` for a volume that is too large, and for a chunk
  ///   size that is not a power of two.
  package init(sizeBytes: UInt64, chunkSizeBytes: Int) throws(MapError) {
    guard sizeBytes <= Self.maximumSizeBytes else {
      throw MapError(
        .invalidArgument,
        "expected a volume of at most \(Self.maximumSizeBytes) bytes, found \(sizeBytes)")
    }
    guard chunkSizeBytes > 0, chunkSizeBytes & (chunkSizeBytes - 1) == 0 else {
      throw MapError(
        .invalidArgument, "expected a chunk size that is a power of two, found \(chunkSizeBytes)")
    }
    let chunkSize = UInt64(chunkSizeBytes)
    self.sizeBytes = sizeBytes
    self.chunkSizeBytes = chunkSizeBytes
    self.chunkCount = sizeBytes / chunkSize + (sizeBytes % chunkSize == 0 ? 0 : 1)
    self.levels = Self.levels(holding: chunkCount)
  }

  /// The chunk after the last one.
  package var endChunk: ChunkNumber { ChunkNumber(chunkCount) }

  private static func levels(holding chunkCount: UInt64) -> Int {
    guard chunkCount > 1 else { return 1 }
    let significantBits = UInt64.bitWidth - (chunkCount - 1).leadingZeroBitCount
    return (significantBits + NodePosition.bitsPerLevel - 1) / NodePosition.bitsPerLevel
  }

  /// The byte range of chunk `chunk` in the volume; the last chunk ends with the volume.
  ///
  /// - Precondition: `chunk` is before ``endChunk``.
  package func bytes(ofChunk chunk: ChunkNumber) -> Range<UInt64> {
    precondition(chunk < endChunk)
    let start = offsetBytes(ofChunk: chunk)
    return start..<start + min(UInt64(chunkSizeBytes), sizeBytes - start)
  }

  /// Length of the content of chunk `chunk` in bytes.
  ///
  /// - Precondition: `chunk` is before ``endChunk``.
  package func plainLengthBytes(ofChunk chunk: ChunkNumber) -> Int {
    bytes(ofChunk: chunk).count
  }

  /// The chunks that hold the bytes `range`; none for an empty range.
  ///
  /// - Precondition: `range` lies within the volume.
  package func chunks(holding range: Range<UInt64>) -> Range<ChunkNumber> {
    precondition(range.upperBound <= sizeBytes)
    let chunkSize = UInt64(chunkSizeBytes)
    let first = ChunkNumber(range.lowerBound / chunkSize)
    guard !range.isEmpty else { return first..<first }
    return first..<ChunkNumber((range.upperBound - 1) / chunkSize + 1)
  }

  /// The byte range of the chunks `range`, cut off at the end of the volume.
  ///
  /// - Precondition: `range` is within the volume's chunks.
  package func bytes(ofChunks range: Range<ChunkNumber>) -> Range<UInt64> {
    precondition(range.upperBound <= endChunk)
    return offsetBytes(ofChunk: range.lowerBound)..<offsetBytes(ofChunk: range.upperBound)
  }

  /// The offset of chunk `chunk` in bytes; the end of the volume if there is no such chunk.
  package func offsetBytes(ofChunk chunk: ChunkNumber) -> UInt64 {
    chunk < endChunk ? chunk.value * UInt64(chunkSizeBytes) : sizeBytes
  }
}

/// The position of a node in a map: its level, and its number among the nodes of that level.
///
/// A node at a position holds the same chunks whatever the height of the map. So positions in maps
/// of different heights can be compared.
package struct NodePosition: Hashable, Sendable {
  /// The number of bits of a chunk's number that select a child on one level.
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
  package init(level: Int, holding chunk: ChunkNumber) {
    self.init(level: level, number: chunk.value >> Self.shift(level + 1))
  }

  // Swift's shifts by more than 63 bits give 0. This is right for the node of level 7, which holds
  // everything.
  private static func shift(_ levels: Int) -> Int { levels * bitsPerLevel }

  /// The first chunk that the node holds.
  package var firstChunk: ChunkNumber { ChunkNumber(number << Self.shift(level + 1)) }

  /// The chunk after the last one that the node can hold; the largest number for the highest
  /// possible level.
  package var endChunk: ChunkNumber {
    ChunkNumber(
      level + 1 < MapNode.maximumLevels ? (number + 1) << Self.shift(level + 1) : .max)
  }

  /// The number of chunks that one child can hold.
  package var chunksPerChild: UInt64 { 1 << UInt64(Self.shift(level)) }

  /// Whether chunk `chunk` is under the node.
  package func holds(_ chunk: ChunkNumber) -> Bool {
    chunk.value >> Self.shift(level + 1) == number
  }

  /// The index of the child that holds chunk `chunk`, which must be under the node.
  package func childIndex(of chunk: ChunkNumber) -> Int {
    Int(chunk.value >> Self.shift(level)) & (MapNode.fanout - 1)
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

extension ChunkNumber {
  /// The index of the chunk in its leaf.
  var indexInLeaf: Int { Int(value % UInt64(MapNode.fanout)) }
}
