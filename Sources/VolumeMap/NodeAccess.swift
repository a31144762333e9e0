package import ChunkFormat

/// Where map nodes are read from.
package protocol NodeReading: Sendable {
  /// The node `id`, its content checked against the id or the record's checksum.
  ///
  /// May block; is called from several threads at once.
  func readNode(_ id: ContentID) throws -> MapNode
}

/// Where map nodes are written to.
package protocol NodeWriting {
  /// Stores `node` and returns its id; a node that is stored already costs nothing.
  ///
  /// `previous` is the node at the same position of the parent revision's map, where there is one:
  /// a good base for a delta.
  func writeNode(_ node: MapNode, replacing previous: ContentID?) throws -> ContentID
}
