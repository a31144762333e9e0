package import ChunkFormat
import VolumeMap

/// Reads map nodes from a store's packs. Use it through a `NodeCache`.
package struct MapNodeReader: NodeReading {
  private let source: any RecordSource

  package init(source: any RecordSource) { self.source = source }

  package func readNode(_ id: ContentID) throws -> MapNode {
    try MapNode(encoded: source.content(of: id, type: .mapNode, plainBytes: nil))
  }
}
