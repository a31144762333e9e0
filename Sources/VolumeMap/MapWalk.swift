package import ChunkFormat

/// Visits a map in the order of the volume, each node before its children.
package protocol MapVisitor {
  /// Whether to visit the children of the node `id`; false if everything under it is known.
  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool

  /// The chunk `id` is chunk number `number` of the volume. Holes are not visited.
  mutating func visit(chunk id: ContentID, number: UInt64) throws

  /// The node at `position` cannot be used. Throw to end the walk; return to continue after the
  /// node.
  mutating func visit(damaged error: MapError, at position: NodePosition) throws
}

extension MapVisitor {
  /// Damage ends the walk.
  package mutating func visit(damaged error: MapError, at position: NodePosition) throws {
    throw error
  }
}

extension MapRoot {
  /// Shows `visitor` every node and chunk. Memory is one node per level.
  ///
  /// Nodes that reach beyond the end of the volume, at most one per level, are read even if the
  /// visitor does not enter them: a node that is valid in one volume may be invalid at the end of
  /// another.
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
