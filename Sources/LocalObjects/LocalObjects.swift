package import FileIO
import Glibc
package import ObjectStorage
package import SystemPackage

/// A repository's objects as files below one directory.
///
/// Objects get their names in the order that ``FileSystem`` asks for: bytes, `fdatasync`, rename, `fsync`
/// of the directory. Locks are those of flock(2), and end with the process.
package final class LocalObjects: ObjectStorage {
  let layout: RepositoryLayout
  /// What lies in the directory: nothing is reached through a link, and whoever may use the directory may
  /// use what is made in it.
  let fileSystem: any FileSystem
  /// What the directory itself lies in.
  let surroundings: any FileSystem

  /// - Parameter root: the repository's directory; need not be there yet.
  package init(root: FilePath, fileSystem: any FileSystem = POSIXFileSystem()) {
    layout = RepositoryLayout(root: root)
    surroundings = fileSystem
    self.fileSystem = fileSystem.confined(to: root, newFiles: .likeDirectory)
  }

  /// What opens the storage in a directory of a file system.
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
      // Else a change that follows may leave the directory with this very time.
      let isSettled = directory.modified.seconds < now - Self.clockTickSeconds
      return AreaVersions(versions: versions, area: isSettled ? version : nil)
    }
  }

  /// As coarse as file systems' clocks are, and some more.
  private static let clockTickSeconds: Int64 = 3
}

extension ObjectVersion {
  fileprivate static let ofNoFile = ObjectVersion(SIMD4(repeating: .max))

  /// A file that is put anew is another file.
  fileprivate init(_ file: FileMetadata) {
    let (identity, time) = ("\(file.device) \(file.inode)", file.modified)
    self.init("\(identity) \(file.sizeBytes) \(time.seconds).\(time.nanoseconds)")
  }
}

extension LocalObjects {
  /// Runs `body`, which needs the directory of `area`; where that is missing, the error says so.
  func needingDirectory<Result>(
    of area: ObjectArea, _ body: () throws(FileError) -> Result
  ) throws(StorageError) -> Result {
    do throws(FileError) {
      return try body()
    } catch {
      let directory = layout.directory(of: area)
      // A directory that was missing counts as missing, even if somebody has made it since.
      guard error.code == .notFound,
        error.path == directory || (try? fileSystem.exists(directory)) == false
      else { throw StorageError(error) }
      throw StorageError(missing: area, at: directory, error)
    }
  }
}
