package import BackupEngine
import ChunkFormat
import ChunkStore
import VolumeMap
import VolumeReader
import Workers

extension NamedOverlay {
  /// What makes a revision of the volumes as they are under the overlay, with the documents of the
  /// revision underneath, which is its parent: of that, only what lies in the same chunk as something
  /// that was written is read.
  ///
  /// - Parameters:
  ///   - job: the job that gets the revision; nil for the one that the overlay's is of.
  ///   - cacheBytes: memory for what is read of the revision underneath.
  /// - Throws: ``OverlayError``, and `StoreError` where a document cannot be read.
  package func commitRequest(
    job: String?, cacheBytes: Int = 16 << 20, program: String
  ) throws -> BackupRequest {
    let entry = try revision()
    var limits = ChunkFetcher.Limits()
    limits.cacheBytes = cacheBytes
    let fetcher = try ChunkFetcher(
      source: StoreRecords(repository.records),
      chunkSizeBytes: repository.configuration.chunkSizeBytes, limits: limits)
    let nodes = NodeCache(reading: repository.nodeReader)
    let place = "\(entry.revision.job)@\(entry.id.description.prefix(16))"
    let volumes = try entry.revision.volumes.map { volume in
      let reader = VolumeReader(
        name: "\(place)/\(volume.name)", map: try repository.map(of: volume), nodes: nodes,
        fetcher: fetcher)
      return BackupRequest.Volume(
        name: volume.name,
        source: OverlaySource(
          name: "overlay \(name) on \(place)/\(volume.name)",
          volume: try OverlaidVolume(base: reader, overlay: self.volume(volume.name))))
    }
    var request = BackupRequest(job: job ?? entry.revision.job, volumes: volumes, program: program)
    if try repository.exists(entry.id) { request.parent = entry.id }
    request.documents = try entry.revision.attachments.map {
      BackupRequest.Document(name: $0.name, bytes: try repository.content(of: $0))
    }
    return request
  }
}
