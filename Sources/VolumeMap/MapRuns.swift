package import ChunkFormat

/// A part of a range of chunks.
package enum MapRun: Equatable, Sendable {
  /// This many chunks that read as zeros; as many as possible.
  case hole(chunks: UInt64)
  /// One chunk.
  case chunk(ContentID)
}

/// The chunks of a range in order. A hole of the size of a subtree costs no reads; memory is one
/// node per level.
package struct MapRuns {
  private var cursor: MapCursor
  private var position: UInt64
  private let end: UInt64
  private var span: MapSpan?

  /// The chunks `range` of `map`.
  ///
  /// - Throws: ``MapError`` with `.invalidArgument` for a range beyond the volume.
  package init(
    of range: Range<UInt64>, in map: MapRoot, reading nodes: any NodeReading
  ) throws(MapError) {
    guard range.upperBound <= map.geometry.chunkCount else {
      throw MapError(
        .invalidArgument,
        "expected chunks below \(map.geometry.chunkCount), found \(range.upperBound - 1)")
    }
    self.cursor = MapCursor(map, reading: nodes)
    self.position = range.lowerBound
    self.end = range.upperBound
  }

  /// The next run; nil at the end of the range.
  ///
  /// - Throws: ``MapError`` with `.corrupt` or `.unreadableNode`; the iteration then ends.
  package mutating func next() throws(MapError) -> MapRun? {
    var holes: UInt64 = 0
    while position < end {
      let id = try skipHoles(&holes)
      guard let id else { continue }
      if holes > 0 { return .hole(chunks: holes) }
      position += 1
      return .chunk(id)
    }
    return holes > 0 ? .hole(chunks: holes) : nil
  }

  /// Skips the holes of the span at `position`; returns the chunk after them, if it has one.
  private mutating func skipHoles(_ holes: inout UInt64) throws(MapError) -> ContentID? {
    if span?.chunks.contains(position) != true { span = try cursor.span(containing: position) }
    guard let span, let leaf = span.leaf else {
      let stop = min(span!.chunks.upperBound, end)
      holes += stop - position
      position = stop
      return nil
    }
    while position < min(span.chunks.upperBound, end) {
      let id = leaf.children[Int(position % UInt64(MapNode.fanout))]
      if !id.isHole { return id }
      holes += 1
      position += 1
    }
    return nil
  }
}
