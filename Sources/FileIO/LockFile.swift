package import SystemPackage

extension FileSystem {
  /// Opens the lock file `path` and waits for the lock, which ends when the file is closed. Creates
  /// the file if it is missing; only its owner may use it.
  package func lockFile(_ path: FilePath, _ mode: LockMode) throws(FileError) -> any OpenFile {
    let file = try openOrCreate(path)
    try file.lock(mode)
    return file
  }

  /// Opens and locks the lock file `path` without waiting; nil if another lock excludes this one.
  package func tryLockFile(
    _ path: FilePath, _ mode: LockMode
  ) throws(FileError) -> (any OpenFile)? {
    let file = try openOrCreate(path)
    if try file.tryLock(mode) { return file }
    file.close()
    return nil
  }

  /// Whether a lock excludes other locks: some file systems grant every lock. The caller must hold
  /// a lock of any mode on the file.
  ///
  /// - Returns: true if locks exclude each other. False if they do not, with a ``StorageNotice``.
  ///   False without a notice if this process may not open the file for writing.
  package func lockExcludesOthers(on path: FilePath) throws(FileError) -> Bool {
    let second: any OpenFile
    do throws(FileError) {
      // Open for writing: network file systems require this for an exclusive lock.
      second = try openFile(path, for: .readingAndWriting)
    } catch  where error.code == .permissionDenied || error.code == .readOnly {
      return false
    }
    defer { second.close() }
    guard try second.tryLock(.exclusive) else { return true }
    try second.unlock()
    StorageNotice.locksWithoutEffect(path).give()
    return false
  }

  private func openOrCreate(_ path: FilePath) throws(FileError) -> any OpenFile {
    do {
      return try createFile(path, permissions: .ownerReadWrite)
    } catch  where error.code == .alreadyExists {
      return try openFile(path, for: .readingAndWriting)
    }
  }
}
