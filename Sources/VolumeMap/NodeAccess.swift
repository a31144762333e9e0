package import ChunkFormat

/// Reads map nodes.
package protocol NodeReading: Sendable {
  /// The node `id`. Its content has been checked against the id or the record's checksum.
  ///
  /// May block. Several threads may call it at once.
  func readNode(_ id: ContentID) throws -> MapNode
}

/// Writes map nodes.
package protocol NodeWriting {
  /// Stores `node` and returns its id. A node that is already stored costs nothing.
  ///
  /// `previous` is the node at the same position of the parent revision's map, if there is one: a
  /// good base for a delta.
  func writeNode(_ node: MapNode, replacing previous: ContentID?) throws -> ContentID
}
