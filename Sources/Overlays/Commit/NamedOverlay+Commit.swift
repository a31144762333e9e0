package import BackupEngine
import ChunkFormat
import ChunkStore
import VolumeMap
import VolumeReader
import Workers

extension NamedOverlay {
  /// Returns a request that creates a revision from the volumes as they appear through the overlay,
  /// with the documents of the overlay's revision, which is the parent. The backup reads content of
  /// that revision only in chunks with written blocks.
  ///
  /// - Parameters:
  ///   - job: the job for the new revision; nil for the job of the overlay's revision.
  ///   - cacheBytes: the memory for content of the overlay's revision.
  /// - Throws: ``OverlayError``; `StoreError` if a document cannot be read.
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
