package import ChunkFormat
package import ChunkStore
package import VolumeMap

extension Repository {
  /// The map of a volume of one of the repository's revisions.
  package func map(of volume: RevisionVolume) throws(MapError) -> MapRoot {
    try MapRoot(
      id: volume.root,
      geometry: try MapGeometry(
        sizeBytes: volume.sizeBytes, chunkSizeBytes: configuration.chunkSizeBytes))
  }

  /// Reads the repository's map nodes, each checked against its record's checksum; to be put behind a
  /// `NodeCache`.
  package var nodeReader: MapNodeReader { MapNodeReader(source: StoreRecords(records)) }
}
