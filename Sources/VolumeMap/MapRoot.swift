package import ChunkFormat

/// The map of a volume: the id of its topmost node, as a revision records it, and the shape of the
/// volume.
package struct MapRoot: Equatable, Sendable {
  /// The topmost node; `.hole` if the volume is empty, or all of it reads as zeros.
  package let id: ContentID
  package let geometry: MapGeometry

  /// - Throws: ``MapError`` with `.corrupt` for an empty volume with a node.
  package init(id: ContentID, geometry: MapGeometry) throws(MapError) {
    guard geometry.chunkCount > 0 || id.isHole else {
      throw MapError(
        .corrupt, "expected no node for an empty volume, found \(id)", bytes: 0..<0)
    }
    self.id = id
    self.geometry = geometry
  }

  /// The position of the topmost node.
  package var position: NodePosition { NodePosition(level: geometry.levels - 1, number: 0) }

  /// Refuses a range of bytes that is not within the volume.
  func check(_ range: Range<UInt64>) throws(MapError) {
    guard range.upperBound <= geometry.sizeBytes else {
      throw MapError(
        .invalidArgument,
        "expected bytes below \(geometry.sizeBytes), found \(range.upperBound - 1)")
    }
  }

  /// Reads the node `id` and checks that it is valid at `position`.
  func node(
    _ id: ContentID, at position: NodePosition, from nodes: any NodeReading
  ) throws(MapError) -> MapNode {
    let node: MapNode
    do {
      node = try nodes.readNode(id)
    } catch {
      throw MapError(
        .unreadableNode, "node \(id) of level \(position.level) cannot be read",
        bytes: bytes(of: position), cause: error)
    }
    try check(node, id, at: position)
    return node
  }

  /// Refuses a node of another level, and a node with children beyond the end of the volume.
  func check(_ node: MapNode, _ id: ContentID, at position: NodePosition) throws(MapError) {
    guard node.level == position.level else {
      throw MapError(
        .corrupt, "node \(id): expected level \(position.level), found level \(node.level)",
        bytes: bytes(of: position))
    }
    guard reachesBeyondEnd(position) else { return }
    let held = geometry.endChunk - position.firstChunk
    let span = position.chunksPerChild
    let childrenWithin = Int(held / span) + (held % span == 0 ? 0 : 1)
    guard node.children[childrenWithin...].allSatisfy(\.isHole) else {
      throw MapError(
        .corrupt,
        "node \(id) of level \(position.level): expected holes beyond the end of the volume at "
          + "\(geometry.sizeBytes) bytes, found content",
        bytes: bytes(of: position))
    }
  }

  /// The part of the volume under the node at `position`.
  private func bytes(of position: NodePosition) -> Range<UInt64> {
    let end = min(position.endChunk, geometry.endChunk)
    return geometry.bytes(ofChunks: position.firstChunk..<end)
  }

  /// Whether the node at `position` could hold more chunks than the volume has.
  func reachesBeyondEnd(_ position: NodePosition) -> Bool {
    position.endChunk > geometry.endChunk
  }
}
