package import ChunkFormat
package import ChunkStore
package import VolumeMap

extension Repository {
  /// Returns the map of a volume of a revision in this repository.
  package func map(of volume: RevisionVolume) throws(MapError) -> MapRoot {
    try MapRoot(
      id: volume.root,
      geometry: try MapGeometry(
        sizeBytes: volume.sizeBytes, chunkSizeBytes: configuration.chunkSizeBytes))
  }

  /// Reads the map nodes of the repository and verifies their checksums. Use it through a
  /// `NodeCache`.
  package var nodeReader: MapNodeReader { MapNodeReader(source: StoreRecords(records)) }
}
