import FileIO
import ObjectStorage
import SystemPackage

/// A file of a repository that is open for reading.
final class LocalObject: StoredObject {
  private let file: any OpenFile

  init(_ file: any OpenFile) { self.file = file }

  deinit { close() }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(StorageError) -> Int {
    do throws(FileError) {
      return try file.read(into: buffer, at: offsetBytes)
    } catch {
      throw StorageError(error)
    }
  }

  func sizeBytes() throws(StorageError) -> UInt64 {
    try reportingFileErrors { () throws(FileError) in try file.sizeBytes() }
  }

  func isRemoved() -> Bool { file.isUnlinked() }
  func forgetCached() { file.forgetCached() }
  func close() { file.close() }
}

/// A new pack. Its file has a temporary name until the pack's name is known.
final class LocalUpload: ObjectUpload {
  private let area: ObjectArea
  private let layout: RepositoryLayout
  private let fileSystem: any FileSystem
  private let unfinished: FilePath
  private let file: any OpenFile
  private var lengthBytes: UInt64 = 0

  init(
    to area: ObjectArea, layout: RepositoryLayout, fileSystem: any FileSystem
  ) throws(FileError) {
    self.area = area
    self.layout = layout
    self.fileSystem = fileSystem
    unfinished = layout.directory(of: area).appending("pack").temporarySibling()
    do throws(FileError) {
      file = try fileSystem.createFile(unfinished, permissions: RepositoryLayout.filePermissions)
    } catch {
      try? fileSystem.remove(unfinished)
      throw error
    }
  }

  func append(_ bytes: [UInt8]) throws(StorageError) {
    try reportingFileErrors { () throws(FileError) in
      try file.write(bytes, at: lengthBytes)
    }
    lengthBytes += UInt64(bytes.count)
  }

  /// Keeps the order that the format requires: bytes, `fdatasync`, rename, `fsync` of the
  /// directory.
  func finish(as name: String) throws(StorageError) {
    try reportingFileErrors { () throws(FileError) in
      try file.synchronizeData()
      let key = ObjectKey(area, name)
      let path = layout.path(of: key)
      try layout.makeShard(of: key, on: fileSystem)
      try fileSystem.rename(unfinished, to: path)
      try fileSystem.synchronizeDirectory(path.parentDirectory)
    }
    file.close()
  }

  func cancel() {
    file.close()
    try? fileSystem.remove(unfinished)
  }
}
