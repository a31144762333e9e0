package import FileIO
import Glibc
package import ObjectStorage
package import SystemPackage

/// A repository's objects as files below one directory.
///
/// Objects are written in the order that a durable file needs: bytes, `fdatasync`, rename, `fsync`
/// of the directory. Locks are flock(2) locks, and end with the process.
package final class LocalObjects: ObjectStorage {
  let layout: RepositoryLayout
  /// Accesses the contents of the directory. Does not follow links. Users who may use the directory
  /// may also use the files that are created in it.
  let fileSystem: any FileSystem
  /// Accesses the directory itself and its parents.
  let surroundings: any FileSystem

  /// - Parameter root: the repository's directory; need not exist yet.
  package init(root: FilePath, fileSystem: any FileSystem = POSIXFileSystem()) {
    layout = RepositoryLayout(root: root)
    surroundings = fileSystem
    self.fileSystem = fileSystem.confined(to: root, newFiles: .likeDirectory)
  }

  /// Returns a function that opens the storage in a directory of `fileSystem`.
  package static func opener(
    on fileSystem: any FileSystem = POSIXFileSystem()
  ) -> @Sendable (FilePath) -> any ObjectStorage {
    { LocalObjects(root: $0, fileSystem: fileSystem) }
  }

  // MARK: - Places

  package var place: String { layout.root.string }

  package func path(of key: ObjectKey) -> String { below(layout.path(of: key)) }

  package func path(of area: ObjectArea) -> String { below(layout.directory(of: area)) }

  private func below(_ path: FilePath) -> String {
    var path = path
    _ = path.removePrefix(layout.root)
    return path.string
  }

  package func isSamePlace(as other: any ObjectStorage) throws(StorageError) -> Bool {
    guard let other = other as? LocalObjects else { return false }
    return try reportingFileErrors { () throws(FileError) in
      let own = try fileSystem.metadata(of: layout.path(of: .configuration))
      let others = try other.fileSystem.metadata(of: other.layout.path(of: .configuration))
      return (own.device, own.inode) == (others.device, others.inode)
    }
  }

  // MARK: - Reading

  package func read(_ key: ObjectKey, limitBytes: Int) throws(StorageError) -> [UInt8] {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.readAll(layout.path(of: key), limitBytes: limitBytes)
    }
  }

  package func open(_ key: ObjectKey) throws(StorageError) -> any StoredObject {
    try reportingFileErrors { () throws(FileError) in
      LocalObject(try fileSystem.openFile(layout.path(of: key), for: .reading))
    }
  }

  package func sizeBytes(of key: ObjectKey) throws(StorageError) -> UInt64? {
    try reportingFileErrors { () throws(FileError) in
      do throws(FileError) {
        return try fileSystem.metadata(of: layout.path(of: key)).sizeBytes
      } catch  where error.code == .notFound {
        return nil
      }
    }
  }

  package func versions(
    in area: ObjectArea, known: AreaVersions?
  ) throws(StorageError) -> AreaVersions {
    let path = layout.directory(of: area)
    return try needingDirectory(of: area) { () throws(FileError) in
      let now = Int64(time(nil))
      let directory = try fileSystem.metadata(of: path)
      let version = ObjectVersion(directory)
      if let known, known.area == version { return known }
      var versions: [String: ObjectVersion] = [:]
      for entry in try fileSystem.list(path) where area.admits(entry.name) {
        do throws(FileError) {
          versions[entry.name] = ObjectVersion(
            try fileSystem.metadata(of: path.appending(entry.name)))
        } catch  where error.code == .notFound {
          // Removed since the names were listed.
          continue
        } catch  where error.isOfWrongKind {
          // Whoever reads it is told.
          versions[entry.name] = .ofNoFile
        }
      }
      // If the directory changed just now, the next change may leave it with the same time.
      let isSettled = directory.modified.seconds < now - Self.clockTickSeconds
      return AreaVersions(versions: versions, area: isSettled ? version : nil)
    }
  }

  /// Longer than the steps of any file system's clock.
  private static let clockTickSeconds: Int64 = 3
}

extension ObjectVersion {
  fileprivate static let ofNoFile = ObjectVersion("no file")

  /// A file that is put anew is another file.
  fileprivate init(_ file: FileMetadata) {
    let (identity, time) = ("\(file.device) \(file.inode)", file.modified)
    self.init("\(identity) \(file.sizeBytes) \(time.seconds).\(time.nanoseconds)")
  }
}

extension LocalObjects {
  /// Runs `body`, which needs the directory of `area`. If the directory is missing, throws
  /// `.missingArea`.
  func needingDirectory<Result>(
    of area: ObjectArea, _ body: () throws(FileError) -> Result
  ) throws(StorageError) -> Result {
    do throws(FileError) {
      return try body()
    } catch {
      let directory = layout.directory(of: area)
      // The directory was missing for `body`, even if another process has made it since.
      guard error.code == .notFound,
        error.path == directory || (try? fileSystem.exists(directory)) == false
      else { throw StorageError(error) }
      throw StorageError(missing: area, at: directory, error)
    }
  }
}
