import ChunkFormat

/// The chunks in which two maps differ, in order, as runs of one kind.
///
/// Subtrees of equal ids and subtrees outside the range asked for are not read, so the cost is in
/// proportion to the difference within the range. Beyond its end a volume counts as a hole: growth by a
/// hole is no difference of the maps, and what a smaller volume cuts off became a hole. Memory is two
/// nodes a level.
package struct MapDifference {
  /// How the content of a chunk differs.
  package enum Kind: Equatable, Sendable {
    /// Content in both, of different ids.
    case changed
    /// Content in the old map, a hole in the new one.
    case becameHole
    /// A hole in the old map, content in the new one.
    case appeared
  }

  /// Adjoining chunks that differ in the same way.
  package struct Run: Equatable, Sendable {
    package var chunks: Range<UInt64>
    package let kind: Kind

    package init(chunks: Range<UInt64>, kind: Kind) {
      self.chunks = chunks
      self.kind = kind
    }
  }

  /// Two nodes of one position, compared up to child `index`. No children are all holes.
  private struct Frame {
    let position: NodePosition
    let old: [ContentID]?
    let new: [ContentID]?
    var index: Int
    /// Behind the last child to compare.
    let endIndex: Int
  }

  private let old: MapRoot
  private let new: MapRoot
  private let nodes: any NodeReading
  private var frames: [Frame] = []
  private var hasBegun = false
  private var pending: Run?
  /// Leaves, of either map or of both at one place, that may still be read.
  private var leavesLeft: Int

  /// The chunks that have been compared once ``next()`` gave nil: the range asked for, or the beginning
  /// of it where the leaves to read were limited.
  package private(set) var compared: Range<UInt64>

  /// - Parameters:
  ///   - range: the chunks to compare, which may lie beyond the end of either volume; all by default.
  ///   - leafLimit: the comparison ends once the leaves at so many places (at least 1) have been read, so
  ///     that two maps that have nothing in common cannot hold up the asker.
  /// - Throws: ``MapError`` with `.invalidArgument` for maps of different chunk sizes.
  package init(
    from old: MapRoot, to new: MapRoot, within range: Range<UInt64>? = nil, leafLimit: Int = .max,
    reading nodes: any NodeReading
  ) throws(MapError) {
    guard old.geometry.chunkSizeBytes == new.geometry.chunkSizeBytes else {
      throw MapError(
        .invalidArgument,
        "expected chunks of \(old.geometry.chunkSizeBytes) bytes in both maps, found "
          + "\(new.geometry.chunkSizeBytes) in one")
    }
    self.old = old
    self.new = new
    self.nodes = nodes
    self.leavesLeft = max(leafLimit, 1)
    self.compared = range ?? 0..<max(old.geometry.chunkCount, new.geometry.chunkCount)
  }

  /// The next run, cut at the ends of the range; nil at the end.
  ///
  /// - Throws: ``MapError`` with `.corrupt` or `.unreadableNode`; the iteration is over then.
  package mutating func next() throws(MapError) -> Run? {
    if !hasBegun {
      hasBegun = true
      // The lower map stands under nodes that only have a first child: see `children`.
      let top = max(old.position.level, new.position.level)
      try compare(old.id, new.id, at: NodePosition(level: top, number: 0))
    }
    while let frame = frames.last {
      guard frame.index < frame.endIndex else {
        frames.removeLast()
        continue
      }
      frames[frames.count - 1].index += 1
      let oldChild = frame.old?[frame.index] ?? .hole
      let newChild = frame.new?[frame.index] ?? .hole
      guard oldChild != newChild else { continue }
      if frame.position.level > 0 {
        try compare(oldChild, newChild, at: frame.position.child(frame.index))
      } else if let run = add(
        frame.position.firstChunk + UInt64(frame.index), kind(oldChild, newChild))
      {
        return run
      }
    }
    defer { pending = nil }
    return pending
  }

  private mutating func compare(
    _ oldID: ContentID, _ newID: ContentID, at position: NodePosition
  ) throws(MapError) {
    let wanted = compared.clamped(to: position.firstChunk..<position.endChunk)
    guard oldID != newID, !wanted.isEmpty else { return }
    if position.level == 0 {
      guard leavesLeft > 0 else { return stop(before: wanted.lowerBound) }
      leavesLeft -= 1
    }
    frames.append(
      Frame(
        position: position, old: try children(of: oldID, in: old, at: position),
        new: try children(of: newID, in: new, at: position),
        index: position.childIndex(of: wanted.lowerBound),
        endIndex: position.childIndex(of: wanted.upperBound - 1) + 1))
  }

  private mutating func stop(before chunk: UInt64) {
    compared = compared.lowerBound..<chunk
    frames.removeAll()
  }

  private func children(
    of id: ContentID, in map: MapRoot, at position: NodePosition
  ) throws(MapError) -> [ContentID]? {
    if id.isHole { return nil }
    guard position.level > map.position.level else {
      return try map.node(id, at: position, from: nodes).children
    }
    var children = MapNode(level: position.level).children
    children[0] = id
    return children
  }

  private func kind(_ old: ContentID, _ new: ContentID) -> Kind {
    new.isHole ? .becameHole : old.isHole ? .appeared : .changed
  }

  /// Adds a chunk to the run at hand; returns that run where the chunk begins another.
  private mutating func add(_ chunk: UInt64, _ kind: Kind) -> Run? {
    if pending?.kind == kind, pending?.chunks.upperBound == chunk {
      pending!.chunks = pending!.chunks.lowerBound..<chunk + 1
      return nil
    }
    defer { pending = Run(chunks: chunk..<chunk + 1, kind: kind) }
    return pending
  }
}
