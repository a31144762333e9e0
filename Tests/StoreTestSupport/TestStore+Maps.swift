import ChunkFormat
package import ChunkStore
package import VolumeMap

extension TestStore {
  /// Stores the nodes of maps that `MapBuilder` makes.
  package func nodeWriter(_ writer: RecordWriter) -> some NodeWriting {
    TestNodeWriter(store: self, writer: writer)
  }
}

private struct TestNodeWriter: NodeWriting {
  let store: TestStore
  let writer: RecordWriter

  func writeNode(_ node: MapNode, replacing previous: ContentID?) throws -> ContentID {
    try store.store(node.encoded(), type: .mapNode, with: writer)
  }
}
