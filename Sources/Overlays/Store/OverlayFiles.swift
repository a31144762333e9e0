import FileIO
import SystemPackage

/// The files of one named overlay.
///
/// ```
/// NAME/
///   overlay         its revision and volumes (OverlayDescription)
///   lock            locked by the process that has the overlay open
///   VOLUME.state    the location of each block's content (StateFile)
///   VOLUME.data-0   the content of written blocks (DataParts), if there are any
/// ```
struct OverlayFiles: Sendable {
  private static let filePermissions: FilePermissions = [.ownerReadWrite]
  private static let descriptionLimitBytes = 1 << 20

  let directory: FilePath
  let fileSystem: any FileSystem

  private var descriptionPath: FilePath { directory.appending("overlay") }

  func place(of volume: String) -> OverlayPlace {
    OverlayPlace(directory: directory, volume: volume, fileSystem: fileSystem)
  }

  /// Creates the directory and all files of an overlay without changes. Everything is durable when
  /// this returns, except the name of the directory itself.
  func create(_ description: OverlayDescription) throws(OverlayError) {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.createDirectory(directory, permissions: OverlayDirectory.permissions)
    }
    try write(description)
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.lockFile(directory.appending("lock"), .shared).close()
    }
    for volume in description.volumes {
      try StateFile.create(in: place(of: volume.name), volumeBytes: volume.sizeBytes).close()
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.synchronizeDirectory(directory)
    }
  }

  /// Writes the description durably.
  func write(_ description: OverlayDescription) throws(OverlayError) {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.writeDurably(
        description.encoded, to: descriptionPath, permissions: Self.filePermissions)
    }
  }

  func description() throws(OverlayError) -> OverlayDescription {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try fileSystem.readAll(descriptionPath, limitBytes: Self.descriptionLimitBytes)
    } catch {
      guard error.code == .notFound else { throw OverlayError(error) }
      throw OverlayError(
        .damaged, "\(descriptionPath): expected the overlay's description, found no file")
    }
    return try OverlayDescription(encoded: bytes, in: descriptionPath.string)
  }

  /// Locks the overlay. Nil if another process has locked it.
  func lock() throws(OverlayError) -> (any OpenFile)? {
    try reportingFileErrors { () throws(FileError) in
      let path = directory.appending("lock")
      let file: any OpenFile
      do throws(FileError) {
        file = try fileSystem.openFile(path, for: .readingAndWriting)
      } catch  where error.code == .notFound {
        file = try fileSystem.createFile(path, permissions: Self.filePermissions)
      }
      return try file.tryLock(.exclusive) ? file : nil
    }
  }

  /// Returns the space that the overlay's files use on their file system, in bytes.
  func allocatedBytes() throws(OverlayError) -> UInt64 {
    try reportingFileErrors { () throws(FileError) in
      var sum: UInt64 = 0
      for entry in try fileSystem.list(directory) {
        sum += try fileSystem.metadata(of: directory.appending(entry: entry.name)).allocatedBytes
      }
      return sum
    }
  }
}
