package import ChunkFormat

/// The chunks in which two maps differ. They are returned in order, as runs of one kind of
/// difference.
///
/// Equal subtrees and subtrees outside the range are not read, so the cost is proportional to the
/// difference within the range. Beyond its end, a volume counts as a hole: a volume that grew by a
/// hole does not differ, and a part that was cut off became a hole.
///
/// If two subtrees differ in the same way everywhere, the pair is remembered. If the same pair is
/// compared again, the result is one run, and nothing is read. So the cost depends on the number of
/// distinct nodes and of runs, not on the size that a volume claims. Needs memory for two nodes per
/// level and the remembered pairs.
package struct MapDifference {
  /// How the content of a chunk differs.
  package enum Kind: Equatable, Sendable {
    /// Content in both maps, with different ids.
    case changed
    /// Content in the old map, a hole in the new one.
    case becameHole
    /// A hole in the old map, content in the new one.
    case appeared
  }

  /// Neighbouring chunks that differ in the same way.
  package struct Run: Equatable, Sendable {
    package var chunks: Range<ChunkNumber>
    package let kind: Kind

    package init(chunks: Range<ChunkNumber>, kind: Kind) {
      self.chunks = chunks
      self.kind = kind
    }
  }

  /// Two nodes at the same position, compared up to child `index`. `old` or `new` is nil if all
  /// children are holes.
  private struct Frame {
    let position: NodePosition
    let old: [ContentID]?
    let new: [ContentID]?
    var index: Int
    /// End of the children to compare.
    let endIndex: Int
    /// The key for remembering the difference of the two nodes; nil if it must not be remembered.
    let pair: NodePair?
    var pattern = Pattern.unknown
  }

  /// The way in which the parts under two nodes differ, as far as they have been compared.
  private enum Pattern: Equatable {
    case unknown
    case uniform(Kind)
    case mixed

    mutating func add(_ other: Pattern) {
      self = self == .unknown || self == other ? other : .mixed
    }
  }

  private struct NodePair: Hashable {
    let old: ContentID
    let new: ContentID
    let level: Int
  }

  /// At most this many pairs are remembered, to limit the memory.
  private static let rememberedPairs = 1 << 16

  private let old: MapRoot
  private let new: MapRoot
  private let nodes: any NodeReading
  private var frames: [Frame] = []
  private var hasBegun = false
  private var pending: Run?
  private var uniform: [NodePair: Kind] = [:]
  /// The number of leaves that may still be read. The leaves of both maps at one position count
  /// once.
  private var leavesLeft: Int

  /// The chunks that have been compared when ``next()`` returns nil: the whole range, or its
  /// beginning if the limit of leaves was reached.
  package private(set) var compared: Range<ChunkNumber>

  /// - Parameters:
  ///   - range: the chunks to compare, which may lie beyond the end of either volume; all by
  ///     default.
  ///   - leafLimit: the comparison ends once the leaves at this many positions (at least 1) have
  ///     been read, so that two maps with nothing in common cannot hold up the caller.
  /// - Throws: ``MapError`` with `.invalidArgument` for maps of different chunk sizes.
  package init(
    from old: MapRoot, to new: MapRoot, within range: Range<ChunkNumber>? = nil,
    leafLimit: Int = .max,
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
    self.compared = range ?? 0..<max(old.geometry.endChunk, new.geometry.endChunk)
  }

  /// The next run, cut at the ends of the range; nil at the end.
  ///
  /// - Throws: ``MapError`` with `.corrupt` or `.unreadableNode`. Do not call this again after an
  ///   error.
  package mutating func next() throws(MapError) -> Run? {
    if !hasBegun {
      hasBegun = true
      // If one map has fewer levels, it is placed under nodes with only a first child: see
      // `children`.
      let top = max(old.position.level, new.position.level)
      if let run = try compare(old.id, new.id, at: NodePosition(level: top, number: 0)) {
        return run
      }
    }
    while let frame = frames.last {
      guard frame.index < frame.endIndex else {
        leave(frame)
        continue
      }
      frames[frames.count - 1].index += 1
      let oldChild = frame.old?[frame.index] ?? .hole
      let newChild = frame.new?[frame.index] ?? .hole
      guard oldChild != newChild else {
        frames[frames.count - 1].pattern = .mixed
        continue
      }
      let run =
        if frame.position.level > 0 {
          try compare(oldChild, newChild, at: frame.position.child(frame.index))
        } else {
          add(frame.position.firstChunk + UInt64(frame.index), kind(oldChild, newChild))
        }
      if let run { return run }
    }
    defer { pending = nil }
    return pending
  }

  /// Returns to the node above. Remembers the difference of the two nodes if it is the same
  /// everywhere.
  private mutating func leave(_ frame: Frame) {
    frames.removeLast()
    if !frames.isEmpty { frames[frames.count - 1].pattern.add(frame.pattern) }
    guard let pair = frame.pair, case .uniform(let kind) = frame.pattern,
      uniform.count < Self.rememberedPairs
    else { return }
    uniform[pair] = kind
  }

  /// Compares two nodes.
  ///
  /// - Returns: a run that is complete, if any.
  private mutating func compare(
    _ oldID: ContentID, _ newID: ContentID, at position: NodePosition
  ) throws(MapError) -> Run? {
    let wanted = compared.clamped(to: position.firstChunk..<position.endChunk)
    guard oldID != newID, !wanted.isEmpty else {
      if !frames.isEmpty { frames[frames.count - 1].pattern = .mixed }
      return nil
    }
    let pair = pair(oldID, newID, at: position, wanted)
    if let pair, let kind = uniform[pair] {
      if !frames.isEmpty { frames[frames.count - 1].pattern.add(.uniform(kind)) }
      return add(wanted, kind)
    }
    if position.level == 0 {
      guard leavesLeft > 0 else {
        stop(before: wanted.lowerBound)
        return nil
      }
      leavesLeft -= 1
    }
    frames.append(
      Frame(
        position: position, old: try children(of: oldID, in: old, at: position),
        new: try children(of: newID, in: new, at: position),
        index: position.childIndex(of: wanted.lowerBound),
        endIndex: position.childIndex(of: wanted.upperBound.advanced(by: -1)) + 1, pair: pair))
    return nil
  }

  /// The key of a pair of nodes; nil if only a part of the nodes is compared, or if a volume ends
  /// within them.
  private func pair(
    _ oldID: ContentID, _ newID: ContentID, at position: NodePosition, _ wanted: Range<ChunkNumber>
  ) -> NodePair? {
    guard wanted == position.firstChunk..<position.endChunk,
      oldID.isHole || position.endChunk <= old.geometry.endChunk,
      newID.isHole || position.endChunk <= new.geometry.endChunk
    else { return nil }
    return NodePair(old: oldID, new: newID, level: position.level)
  }

  private mutating func stop(before chunk: ChunkNumber) {
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

  /// Adds a chunk to the current run. If the chunk begins a new run, returns the run before it.
  private mutating func add(_ chunk: ChunkNumber, _ kind: Kind) -> Run? {
    frames[frames.count - 1].pattern.add(.uniform(kind))
    return add(chunk..<chunk + 1, kind)
  }

  /// Adds several chunks of one kind in the same way.
  private mutating func add(_ chunks: Range<ChunkNumber>, _ kind: Kind) -> Run? {
    if pending?.kind == kind, pending?.chunks.upperBound == chunks.lowerBound {
      pending!.chunks = pending!.chunks.lowerBound..<chunks.upperBound
      return nil
    }
    defer { pending = Run(chunks: chunks, kind: kind) }
    return pending
  }
}
