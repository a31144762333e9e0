import ChunkFormat
import FileIO
import SystemPackage

/// Makes packs durable, in the order that the format demands: bytes, `fdatasync`, name, `fsync` of
/// the directory.
struct PackFileWriter: Sendable {
  /// Bytes are sealed, hashed and written in pieces of about this size.
  private static let pieceBytes = 2 << 20

  let layout: RepositoryLayout
  let fileSystem: any FileSystem
  let repository: RepositoryID
  let keys: RepositoryKeys?

  /// Writes `assembly`, which is not empty, as one pack.
  ///
  /// When this returns the pack survives a power failure.
  func write(_ assembly: PackAssembly, kind: PackKind) throws(StoreError) -> PackSummary {
    let unfinished = layout.packDirectory(kind).appending("pack").temporarySibling()
    do throws(StoreError) {
      let file = try reportingFileErrors { () throws(FileError) in
        try fileSystem.createFile(unfinished, permissions: RepositoryLayout.filePermissions)
      }
      defer { file.close() }
      let summary = try fill(file, with: assembly, kind: kind)
      try reportingFileErrors { () throws(FileError) in
        try file.synchronizeData()
        try publish(unfinished, as: summary.id, kind: kind)
      }
      return summary
    } catch {
      try? fileSystem.remove(unfinished)
      throw error
    }
  }

  private func fill(
    _ file: any OpenFile, with assembly: PackAssembly, kind: PackKind
  ) throws(StoreError) -> PackSummary {
    let encoder = try reportingFormatErrors(of: "new pack") { () throws(FormatError) in
      try PackEncoder(kind: kind.fileKind, repository: repository, keys: keys)
    }
    var offset: UInt64 = 0
    func put(_ bytes: [UInt8]) throws(StoreError) {
      try reportingFileErrors { () throws(FileError) in try file.write(bytes, at: offset) }
      offset += UInt64(bytes.count)
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

  private func publish(
    _ unfinished: FilePath, as id: PackID, kind: PackKind
  ) throws(FileError) {
    let shard = layout.packShard(kind, of: id)
    do {
      try fileSystem.createDirectory(shard, permissions: RepositoryLayout.directoryPermissions)
    } catch  where error.code == .alreadyExists {}
    // Also where the directory was there: who made it may have died before making it durable.
    try fileSystem.synchronizeDirectory(layout.packDirectory(kind))
    try fileSystem.rename(unfinished, to: layout.pack(kind, id))
    try fileSystem.synchronizeDirectory(shard)
  }
}

extension OpenFile {
  /// Writes all of `bytes` at `offsetBytes`.
  func write(_ bytes: [UInt8], at offsetBytes: UInt64) throws(FileError) {
    let outcome: Result<Void, FileError> = bytes.withUnsafeBytes { buffer in
      do throws(FileError) {
        return .success(try write(buffer, at: offsetBytes))
      } catch {
        return .failure(error)
      }
    }
    try outcome.get()
  }
}
