import ChunkFormat

/// The parent revision's map, from which a builder takes nodes to compare with and subtrees to
/// reuse.
struct ParentMap {
  let map: MapRoot
  /// The first failure to read a node for comparison.
  private(set) var failure: MapError?

  private var cursor: MapCursor
  /// The last range that was taken over.
  private var lastTakenOver: Range<ChunkNumber> = 0..<0
  private var lastChunkWasTakenOver = false

  init(_ map: MapRoot, reading nodes: any NodeReading) {
    self.map = map
    self.cursor = MapCursor(map, reading: nodes)
  }

  /// The node at `position`, if there is one that can be read.
  mutating func counterpart(of position: NodePosition) -> (id: ContentID, node: MapNode)? {
    do throws(MapError) {
      guard let id = try cursor.id(at: position), !id.isHole,
        let node = try cursor.node(at: position)
      else { return nil }
      return (id, node)
    } catch {
      failure = failure ?? error
      return nil
    }
  }

  /// The id at `position`; `.hole` for a hole, and for a position that the map does not have.
  mutating func id(at position: NodePosition) throws(MapError) -> ContentID {
    try cursor.id(at: position) ?? .hole
  }

  /// The node at `position`; nil for a hole, and for a position that the map does not have.
  mutating func node(at position: NodePosition) throws(MapError) -> MapNode? {
    try cursor.node(at: position)
  }

  mutating func span(containing chunk: ChunkNumber) throws(MapError) -> MapSpan {
    try cursor.span(containing: chunk)
  }

  /// The largest subtree that begins with `chunk` and holds no chunk outside `range`. If `range`
  /// ends at the end of the map, this may be the last subtree of a level: it holds no chunk beyond
  /// the end.
  func largestSubtree(at chunk: ChunkNumber, within range: Range<ChunkNumber>) -> NodePosition? {
    let reachesEnd = range.upperBound == map.geometry.endChunk
    return (0..<map.geometry.levels).reversed().lazy
      .map { NodePosition(level: $0, holding: chunk) }
      .first { $0.firstChunk == chunk && (reachesEnd || $0.endChunk <= range.upperBound) }
  }

  mutating func noteTakenOver(_ range: Range<ChunkNumber>) {
    lastTakenOver = range
    if range.upperBound == map.geometry.endChunk { lastChunkWasTakenOver = true }
  }

  /// Refuses a chunk that was taken over, is not a hole, and has another length in `geometry`. Only
  /// the last chunk of the parent, and the last chunk of the new volume, can have another length.
  mutating func checkLengths(in geometry: MapGeometry) throws(MapError) {
    var chunks: [ChunkNumber] = []
    if lastChunkWasTakenOver { chunks.append(map.geometry.endChunk.advanced(by: -1)) }
    if geometry.chunkCount > 0 {
      let last = geometry.endChunk.advanced(by: -1)
      if lastTakenOver.contains(last) { chunks.append(last) }
    }
    for chunk in chunks where geometry.bytes(ofChunk: chunk) != map.geometry.bytes(ofChunk: chunk) {
      guard try span(containing: chunk)[chunk].isHole else {
        throw MapError(
          .invalidArgument,
          "chunk \(chunk) is said to be unchanged, but was \(map.geometry.plainLengthBytes(ofChunk: chunk)) "
            + "bytes long and is \(geometry.plainLengthBytes(ofChunk: chunk))",
          bytes: geometry.bytes(ofChunk: chunk))
      }
    }
  }
}
