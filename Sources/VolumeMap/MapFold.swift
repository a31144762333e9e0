package import ChunkFormat

/// Sums up maps over their distinct nodes. A node that stands in many places, of one map or of several,
/// is read once; its sum is known from then on. So the cost follows the distinct nodes, however large a
/// volume claims to be.
package protocol MapFold {
  associatedtype Sum

  /// The sum of a hole.
  var zero: Sum { get }

  /// Adds a child's sum to that of the children before it. A volume has so many places that plain
  /// numbers may overflow.
  func add(_ sum: Sum, to total: inout Sum)

  /// The sum of a node that was met before on this level; nil to read it.
  mutating func knownSum(of id: ContentID, level: Int) throws -> Sum?

  /// Told of the sum of a node that was read.
  mutating func note(_ sum: Sum, of id: ContentID, level: Int)

  mutating func sum(ofLeaf leaf: MapNode, at position: NodePosition) throws -> Sum

  /// The node at `position` cannot be used. Throwing ends the fold; returning goes on behind it.
  ///
  /// - Parameter isEverywhere: whether the node is as bad in every other place of this level.
  mutating func sum(
    ofDamaged id: ContentID, _ error: MapError, at position: NodePosition, isEverywhere: Bool
  ) throws -> Sum
}

extension MapRoot {
  /// The sum of the whole map. Memory is one node a level, and what `fold` remembers.
  ///
  /// Nodes that hold the last chunk, one a level, are read even where their sum is known: what is right in
  /// the middle of one volume may be damage at the end of another, and the other way round.
  ///
  /// - Throws: what `fold` throws.
  package func sum<Fold: MapFold>(
    reading nodes: any NodeReading, _ fold: inout Fold
  ) throws -> Fold.Sum {
    id.isHole ? fold.zero : try sum(of: id, at: position, nodes, &fold)
  }

  private func sum<Fold: MapFold>(
    of id: ContentID, at position: NodePosition, _ nodes: any NodeReading, _ fold: inout Fold
  ) throws -> Fold.Sum {
    let holdsEnd = position.endChunk >= geometry.chunkCount
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

/// Sums of nodes that were met, bounded in memory: what does not fit is read again.
package struct NodeSums<Sum> {
  /// Bounds the memory to some 50 MiB; the nodes of about 16 TiB of different chunks of 128 KiB.
  package static var standardLimit: Int { 1 << 19 }

  /// 128 bits of a random id are as good as all of it here.
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
