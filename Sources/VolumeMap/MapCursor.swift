package import ChunkFormat

/// The result of one look-up in a map: the chunks of a leaf, or a hole of the size of a subtree.
package struct MapSpan: Sendable {
  /// The chunks, none beyond the end of the volume.
  package let chunks: Range<ChunkNumber>
  /// Their leaf; nil if all of them are holes.
  package let leaf: MapNode?

  /// The id of chunk `chunk`, `.hole` for a hole.
  ///
  /// - Precondition: `chunk` is one of ``chunks``.
  package subscript(chunk: ChunkNumber) -> ContentID {
    precondition(chunks.contains(chunk))
    return leaf.map { $0.children[chunk.indexInLeaf] } ?? .hole
  }
}

/// Looks up chunks in a map in any order, and keeps the path to the last chunk in memory: one node
/// per level. If a volume is read in order, every node is read once.
package struct MapCursor: Sendable {
  package let map: MapRoot
  private let nodes: any NodeReading
  /// The nodes from the topmost one down to the last one that was read.
  private var path: [(position: NodePosition, node: MapNode)] = []

  package init(_ map: MapRoot, reading nodes: any NodeReading) {
    self.map = map
    self.nodes = nodes
  }

  /// The range that holds chunk `chunk`. Reads at most one node per level.
  ///
  /// - Precondition: the volume has a chunk of this number.
  /// - Throws: ``MapError`` with `.corrupt` or `.unreadableNode`.
  package mutating func span(containing chunk: ChunkNumber) throws(MapError) -> MapSpan {
    span(try read(to: chunk, level: 0))
  }

  /// The range that holds chunk `chunk`; nil if a needed node is not in `cache` or is corrupt.
  /// Reads nothing, and never blocks longer than a look-up in a table takes.
  ///
  /// - Precondition: the volume has a chunk of this number.
  package mutating func cachedSpan(containing chunk: ChunkNumber, in cache: NodeCache) -> MapSpan? {
    let map = map
    let place = descend(to: chunk, level: 0) { id, position in
      guard let node = cache.cachedNode(id), (try? map.check(node, id, at: position)) != nil
      else { return nil }
      return node
    }
    return place.map(span)
  }

  /// The id of the node at `position`, `.hole` for a hole; nil if the map has no such position.
  mutating func id(at position: NodePosition) throws(MapError) -> ContentID? {
    guard has(position) else { return nil }
    if position == map.position { return map.id }
    let (parent, index) = position.parent
    return try read(to: position.firstChunk, level: parent.level).node?.children[index] ?? .hole
  }

  /// The node at `position`; nil if it is a hole, or if the map has no such position.
  mutating func node(at position: NodePosition) throws(MapError) -> MapNode? {
    guard has(position) else { return nil }
    return try read(to: position.firstChunk, level: position.level).node
  }

  private func has(_ position: NodePosition) -> Bool {
    position.level < map.geometry.levels && position.firstChunk < map.geometry.endChunk
  }

  /// A node and its position; a hole has no node.
  private typealias Place = (position: NodePosition, node: MapNode?)

  private mutating func read(to chunk: ChunkNumber, level: Int) throws(MapError) -> Place {
    let (map, nodes) = (map, nodes)
    let place = try descend(to: chunk, level: level) { (id, position) throws(MapError) in
      try map.node(id, at: position, from: nodes)
    }
    return place!
  }

  /// Goes down to the node of `level` that holds `chunk`. Starts at the lowest node of the path
  /// that holds it. Ends early at a hole; returns nil if `load` returns nil.
  private mutating func descend<Failure>(
    to chunk: ChunkNumber, level: Int,
    load: (ContentID, NodePosition) throws(Failure) -> MapNode?
  ) throws(Failure) -> Place? {
    precondition(chunk < map.geometry.endChunk)
    while let last = path.last, !last.position.holds(chunk) { path.removeLast() }
    let depth = map.position.level - level
    while path.count <= depth {
      var (id, position) = (map.id, map.position)
      if let last = path.last {
        let index = last.position.childIndex(of: chunk)
        (id, position) = (last.node.children[index], last.position.child(index))
      }
      if id.isHole { return (position, nil) }
      guard let node = try load(id, position) else { return nil }
      path.append((position, node))
    }
    return path[depth]
  }

  private func span(_ place: Place) -> MapSpan {
    let end = min(place.position.endChunk, map.geometry.endChunk)
    return MapSpan(chunks: place.position.firstChunk..<end, leaf: place.node)
  }
}

/// A part of a range of chunks.
package enum MapRun: Equatable, Sendable {
  /// This many chunks that read as zeros: a hole up to the next chunk with content, or to the end
  /// of the range.
  case hole(chunks: UInt64)
  /// One chunk.
  case chunk(ContentID)
}

/// The chunks of a range in order. A hole of the size of a subtree needs no reads. Needs memory for
/// one node per level.
package struct MapRuns {
  private var cursor: MapCursor
  private var position: ChunkNumber
  private let end: ChunkNumber
  private var span: MapSpan?

  /// The chunks `range` of `map`.
  ///
  /// - Throws: ``MapError`` with `.invalidArgument` for a range that is not within the volume.
  package init(
    of range: Range<ChunkNumber>, in map: MapRoot, reading nodes: any NodeReading
  ) throws(MapError) {
    guard range.upperBound <= map.geometry.endChunk else {
      let last = range.upperBound.advanced(by: -1)
      throw MapError(
        .invalidArgument, "expected chunks below \(map.geometry.chunkCount), found \(last)")
    }
    self.cursor = MapCursor(map, reading: nodes)
    self.position = range.lowerBound
    self.end = range.upperBound
  }

  /// The next run; nil at the end of the range.
  ///
  /// - Throws: ``MapError`` with `.corrupt` or `.unreadableNode`. Do not call this again after an
  ///   error.
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

  /// Skips the holes in the span at `position`. Returns the next chunk with content in the span, if
  /// any.
  private mutating func skipHoles(_ holes: inout UInt64) throws(MapError) -> ContentID? {
    if span?.chunks.contains(position) != true { span = try cursor.span(containing: position) }
    guard let span, let leaf = span.leaf else {
      let stop = min(span!.chunks.upperBound, end)
      holes += stop - position
      position = stop
      return nil
    }
    while position < min(span.chunks.upperBound, end) {
      let id = leaf.children[position.indexInLeaf]
      if !id.isHole { return id }
      holes += 1
      position += 1
    }
    return nil
  }
}
