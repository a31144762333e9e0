import ChunkFormat
import ObjectStorage

/// Makes packs durable.
struct PackWriter: Sendable {
  /// Bytes are sealed, hashed and written in pieces of about this size.
  private static let pieceBytes = 2 << 20

  let storage: any ObjectStorage
  let repository: RepositoryID
  let keys: RepositoryKeys?

  /// Writes `assembly`, which is not empty, as one pack.
  ///
  /// When this returns the pack survives a power failure.
  func write(_ assembly: PackAssembly, kind: PackKind) throws(StoreError) -> PackSummary {
    let upload = try reportingStorageErrors { () throws(StorageError) in
      try storage.upload(to: kind.area)
    }
    do throws(StoreError) {
      let summary = try fill(upload, with: assembly, kind: kind)
      try reportingStorageErrors { () throws(StorageError) in
        try upload.finish(as: summary.id.description)
      }
      return summary
    } catch {
      upload.cancel()
      throw error
    }
  }

  private func fill(
    _ upload: any ObjectUpload, with assembly: PackAssembly, kind: PackKind
  ) throws(StoreError) -> PackSummary {
    let encoder = try reportingFormatErrors(of: "new pack") { () throws(FormatError) in
      try PackEncoder(kind: kind.fileKind, repository: repository, keys: keys)
    }
    func put(_ bytes: [UInt8]) throws(StoreError) {
      try reportingStorageErrors { () throws(StorageError) in try upload.append(bytes) }
    }
    for record in assembly.records {
      try reportingFormatErrors(of: "new pack") { () throws(FormatError) in
        try encoder.append(record)
      }
      if encoder.pendingBytes >= Self.pieceBytes {
        try put(reportingFormatErrors(of: "new pack", encoder.takeBytes))
      }
    }
    let (lastBytes, summary) = try reportingFormatErrors(of: "new pack", encoder.finish)
    try put(lastBytes)
    return summary
  }
}
