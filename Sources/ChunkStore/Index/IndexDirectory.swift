import FileIO
import SystemPackage

/// The directory of an index, which must be seen to before LMDB opens what is in it.
///
/// LMDB trusts its file: one that was copied while somebody wrote, or cut short, can crash whoever
/// reads it. So a file named `home` holds device and inode of the data file, and an index that is not
/// at home, or shorter than it says, is thrown away.
struct IndexDirectory: Sendable {
  let path: FilePath
  private let fileSystem = POSIXFileSystem()

  private var data: FilePath { path.appending("data.mdb") }
  private var home: FilePath { path.appending("home") }

  init(path: FilePath) { self.path = path }

  /// Makes the directory where there is none, and empties it where it holds a stranger's index.
  ///
  /// - Throws: ``StoreError``.
  func prepare() throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.createDirectories(path, permissions: RepositoryLayout.directoryPermissions)
      // Several processes may be here at once: the lock makes one of them move in.
      let lock = try openLock()
      try lock.lock(.exclusive)
      defer { lock.close() }
      if try !isAtHome() {
        try removeFiles()
        let file = try fileSystem.createFile(
          data, permissions: RepositoryLayout.filePermissions)
        file.close()
        try fileSystem.writeDurably(
          Array(try identity().utf8), to: home, permissions: RepositoryLayout.filePermissions)
      }
    }
  }

  /// Removes the index; processes that have it open go on with the removed files.
  func wipe() throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in try removeFiles() }
  }

  private func openLock() throws(FileError) -> any OpenFile {
    let lock = path.appending("moving-in.lock")
    do {
      return try fileSystem.createFile(lock, permissions: RepositoryLayout.filePermissions)
    } catch  where error.code == .alreadyExists {
      return try fileSystem.openFile(lock, for: .readingAndWriting)
    }
  }

  private func isAtHome() throws(FileError) -> Bool {
    do {
      let claim = try fileSystem.readAll(home, limitBytes: 1024)
      return claim == Array(try identity().utf8)
    } catch  where error.code == .notFound {
      return false
    }
  }

  private func identity() throws(FileError) -> String {
    let metadata = try fileSystem.metadata(of: data)
    return "\(metadata.device) \(metadata.inode)\n"
  }

  private func removeFiles() throws(FileError) {
    for name in ["home", "data.mdb", "lock.mdb"] {
      do {
        try fileSystem.remove(path.appending(name))
      } catch  where error.code == .notFound {
        continue
      }
    }
  }
}
