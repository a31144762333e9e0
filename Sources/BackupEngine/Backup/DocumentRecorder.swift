package import ChunkFormat
package import ChunkStore

/// Stores documents as chunks, like a disk's content.
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
      if case .new(let record, let isReplacement) = kept {
        try writer.append(record, isReplacement: isReplacement)
      }
      return kept.id
    }
  }
}

extension Repository {
  /// The content of a document that was backed up.
  ///
  /// - Throws: ``StoreError`` where a chunk of it is damaged or missing.
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
