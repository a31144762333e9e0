package import ChunkFormat

/// Visits a map in the order of the volume, each node before its children.
package protocol MapVisitor {
  /// Whether to visit the children of the node `id`; false if everything under it is already known.
  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool

  /// Visits chunk number `number` of the volume, which has the id `id`. Holes are not visited.
  mutating func visit(chunk id: ContentID, number: ChunkNumber) throws

  /// Called if the node at `position` cannot be used. Throw to end the walk; return to continue
  /// after the node.
  mutating func visit(damaged error: MapError, at position: NodePosition) throws
}

extension MapVisitor {
  /// Throws the error: damage ends the walk.
  package mutating func visit(damaged error: MapError, at position: NodePosition) throws {
    throw error
  }
}

extension MapRoot {
  /// Calls `visitor` for every node and chunk, except below nodes that the visitor does not enter.
  /// Needs memory for one node per level.
  ///
  /// Some nodes are read even if the visitor does not enter them: the nodes that reach beyond the
  /// end of the volume, at most one per level. A node that is valid in one volume may be invalid at
  /// the end of another.
  ///
  /// - Throws: ``MapError``, and errors of the visitor.
  package func walk(
    reading nodes: any NodeReading, _ visitor: inout some MapVisitor
  ) throws {
    guard !id.isHole else { return }
    try walk(id, at: position, nodes, &visitor)
  }

  private func walk(
    _ id: ContentID, at position: NodePosition, _ nodes: any NodeReading,
    _ visitor: inout some MapVisitor
  ) throws {
    let enters = try visitor.shouldEnter(node: id, at: position)
    guard enters || reachesBeyondEnd(position) else { return }
    let node: MapNode
    do {
      node = try self.node(id, at: position, from: nodes)
    } catch {
      return try visitor.visit(damaged: error, at: position)
    }
    for (index, child) in node.children.enumerated() where !child.isHole {
      if position.level > 0 {
        let place = position.child(index)
        if enters || reachesBeyondEnd(place) { try walk(child, at: place, nodes, &visitor) }
      } else if enters {
        try visitor.visit(chunk: child, number: position.firstChunk + UInt64(index))
      }
    }
  }
}

/// Computes sums over maps. The same node may occur in many places of one or several maps. It is
/// read once; then its sum is known. So the cost depends on the number of distinct nodes, not on
/// the size that a volume claims.
package protocol MapFold {
  associatedtype Sum

  /// The sum of a hole.
  var zero: Sum { get }

  /// Adds a child's sum to the sum of the children before it. Must not overflow: a volume may claim
  /// a huge number of chunks.
  func add(_ sum: Sum, to total: inout Sum)

  /// The sum of a node that was read before on this level. If this returns nil, the node is read.
  mutating func knownSum(of id: ContentID, level: Int) throws -> Sum?

  /// Receives the sum of a node that was read.
  mutating func note(_ sum: Sum, of id: ContentID, level: Int)

  mutating func sum(ofLeaf leaf: MapNode, at position: NodePosition) throws -> Sum

  /// Called if the node at `position` cannot be used. Throw to end the computation; return a sum
  /// for the node to continue after it.
  ///
  /// - Parameter isEverywhere: whether the node is unusable at every other position of this level,
  ///   too.
  mutating func sum(
    ofDamaged id: ContentID, _ error: MapError, at position: NodePosition, isEverywhere: Bool
  ) throws -> Sum
}

extension MapRoot {
  /// The sum of the whole map. Needs memory for one node per level, and for the sums that `fold`
  /// remembers.
  ///
  /// The nodes that hold the last chunk, one per level, are read even if their sum is known: a node
  /// that is valid in the middle of one volume may be invalid at the end of another, and the
  /// reverse.
  ///
  /// - Throws: errors of `fold`.
  package func sum<Fold: MapFold>(
    reading nodes: any NodeReading, _ fold: inout Fold
  ) throws -> Fold.Sum {
    id.isHole ? fold.zero : try sum(of: id, at: position, nodes, &fold)
  }

  private func sum<Fold: MapFold>(
    of id: ContentID, at position: NodePosition, _ nodes: any NodeReading, _ fold: inout Fold
  ) throws -> Fold.Sum {
    let holdsEnd = position.endChunk >= geometry.endChunk
    if !holdsEnd, let known = try fold.knownSum(of: id, level: position.level) { return known }
    let node: MapNode
    do {
      node = try self.node(id, at: position, from: nodes)
    } catch {
      return try fold.sum(
        ofDamaged: id, error, at: position,
        isEverywhere: !holdsEnd || error.code == .unreadableNode)
    }
    var total = fold.zero
    if position.level == 0 {
      total = try fold.sum(ofLeaf: node, at: position)
    } else {
      for (index, child) in node.children.enumerated() where !child.isHole {
        fold.add(try sum(of: child, at: position.child(index), nodes, &fold), to: &total)
      }
    }
    if !holdsEnd { fold.note(total, of: id, level: position.level) }
    return total
  }
}

/// The known sums of nodes. Memory is limited: a node whose sum does not fit is read again.
package struct NodeSums<Sum> {
  /// Limits the memory to about 50 MiB. This is enough for the nodes of about 16 TiB of distinct
  /// chunks of 128 KiB.
  package static var standardLimit: Int { 1 << 19 }

  /// The key of a node. Ids are hashes, so 128 bits of an id are enough to distinguish nodes here.
  private struct Key: Hashable {
    let high: UInt64
    let low: UInt64
    let level: UInt8
  }

  private let limit: Int
  private var sums: [Key: Sum] = [:]

  package init(limit: Int = Self.standardLimit) { self.limit = limit }

  package subscript(id: ContentID, level: Int) -> Sum? {
    get { sums[Self.key(id, level)] }
    set {
      let key = Self.key(id, level)
      if sums.count < limit || sums[key] != nil { sums[key] = newValue }
    }
  }

  private static func key(_ id: ContentID, _ level: Int) -> Key {
    id.withUnsafeBytes { bytes in
      Key(
        high: bytes.loadUnaligned(as: UInt64.self),
        low: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
        level: UInt8(truncatingIfNeeded: level))
    }
  }
}
