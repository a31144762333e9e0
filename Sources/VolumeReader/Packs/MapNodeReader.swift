package import ChunkFormat
import VolumeMap

/// Map nodes out of a store's packs. To be put behind a `NodeCache`.
package struct MapNodeReader: NodeReading {
  private let source: any RecordSource

  package init(source: any RecordSource) { self.source = source }

  package func readNode(_ id: ContentID) throws -> MapNode {
    try MapNode(encoded: source.content(of: id, type: .mapNode, plainBytes: nil))
  }
}
