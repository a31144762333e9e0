package import ChunkFormat

/// What a walk through a map meets, in the order of the volume, a node before what lies under it.
package protocol MapVisitor {
  /// Whether to look into the node `id`; false where everything under it is known already.
  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool

  /// The chunk `id` is chunk number `number` of the volume. Holes are not visited.
  mutating func visit(chunk id: ContentID, number: UInt64) throws

  /// The node at `position` cannot be used. Throwing ends the walk; returning goes on behind it.
  mutating func visit(damaged error: MapError, at position: NodePosition) throws
}

extension MapVisitor {
  /// Damage ends the walk.
  package mutating func visit(damaged error: MapError, at position: NodePosition) throws {
    throw error
  }
}

extension MapRoot {
  /// Takes `visitor` through every node and chunk. Memory is one node a level.
  ///
  /// Nodes that reach beyond the end of the volume, at most one a level, are read even where the
  /// visitor does not enter them: a node that is right in one volume is damage at the end of another.
  ///
  /// - Throws: ``MapError``, and what the visitor throws.
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
