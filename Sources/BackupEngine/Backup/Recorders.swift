package import ChunkFormat
package import ChunkStore
import VolumeMap

/// Stores map nodes, as deltas of the parent's nodes if that saves enough space. Serves one thread.
final class NodeRecorder: NodeWriting {
  private let writer: RecordWriter
  private let keeper: RecordKeeper
  private let sealing: Sealing
  /// The size of the new nodes in the store, in bytes.
  private(set) var storedBytes: UInt64 = 0

  init(writer: RecordWriter, keeper: RecordKeeper, sealing: Sealing) {
    self.writer = writer
    self.keeper = keeper
    self.sealing = sealing
  }

  func writeNode(_ node: MapNode, replacing previous: ContentID?) throws -> ContentID {
    let kept = try node.encoded().withUnsafeBytes {
      try keeper.keep($0, type: .mapNode, previous: previous)
    }
    if let record = try writer.store(kept) {
      storedBytes += UInt64(record.packedBytes(sealing: sealing))
    }
    return kept.id
  }
}

/// Stores documents in chunks, like the content of a disk.
struct DocumentRecorder {
  private let writer: RecordWriter
  private let keeper: RecordKeeper
  private let chunkSizeBytes: Int

  init(repository: Repository, writer: RecordWriter, proof: RecordKeeper.Proof) throws {
    self.writer = writer
    keeper = try RecordKeeper(
      repository: repository, writer: writer, usesDeltas: false, proof: proof)
    chunkSizeBytes = repository.configuration.chunkSizeBytes
  }

  func record(_ documents: [BackupRequest.Document]) throws -> [Attachment] {
    try documents.map { document in
      Attachment(
        name: document.name, sizeBytes: UInt64(document.bytes.count),
        chunks: try document.bytes.withUnsafeBytes { try record($0) })
    }
  }

  private func record(_ bytes: UnsafeRawBufferPointer) throws -> [ContentID] {
    try stride(from: 0, to: bytes.count, by: chunkSizeBytes).map { start in
      let end = min(start + chunkSizeBytes, bytes.count)
      let chunk = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      let kept = try keeper.keep(chunk, type: .chunk, previous: nil)
      try writer.store(kept)
      return kept.id
    }
  }
}

extension Repository {
  /// Reads the content of a stored document.
  ///
  /// - Throws: ``StoreError`` if a chunk of it is damaged or missing.
  package func content(of attachment: Attachment) throws(StoreError) -> [UInt8] {
    let reader = try RecordReader(store: records)
    var bytes: [UInt8] = []
    for chunk in attachment.chunks {
      bytes += try reader.read(chunk, type: .chunk)
    }
    guard bytes.count == attachment.sizeBytes else {
      throw StoreError(
        .damaged,
        "attachment '\(attachment.name)': expected \(attachment.sizeBytes) bytes, found "
          + "\(bytes.count)")
    }
    return bytes
  }
}
