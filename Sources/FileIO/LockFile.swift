package import SystemPackage

extension FileSystem {
  /// Opens the lock file `path`, made for its owner alone where it is missing, and waits for the lock,
  /// which ends when the file is closed.
  package func lockFile(_ path: FilePath, _ mode: LockMode) throws(FileError) -> any OpenFile {
    let file = try openOrCreate(path)
    try file.lock(mode)
    return file
  }

  /// The same without waiting; nil where somebody else holds a lock that excludes this one.
  package func tryLockFile(
    _ path: FilePath, _ mode: LockMode
  ) throws(FileError) -> (any OpenFile)? {
    let file = try openOrCreate(path)
    if try file.tryLock(mode) { return file }
    file.close()
    return nil
  }

  private func openOrCreate(_ path: FilePath) throws(FileError) -> any OpenFile {
    do {
      return try createFile(path, permissions: .ownerReadWrite)
    } catch  where error.code == .alreadyExists {
      return try openFile(path, for: .readingAndWriting)
    }
  }
}
