package import SystemPackage

extension FileSystem {
  /// Opens the lock file `path`, creates it for its owner alone if it is missing, and waits for the
  /// lock, which ends when the file is closed.
  package func lockFile(_ path: FilePath, _ mode: LockMode) throws(FileError) -> any OpenFile {
    let file = try openOrCreate(path)
    try file.lock(mode)
    return file
  }

  /// The same without waiting; nil if another lock excludes this one.
  package func tryLockFile(
    _ path: FilePath, _ mode: LockMode
  ) throws(FileError) -> (any OpenFile)? {
    let file = try openOrCreate(path)
    if try file.tryLock(mode) { return file }
    file.close()
    return nil
  }

  /// Whether locks exclude others: some file systems grant every lock to everybody. The caller must
  /// hold a lock of any mode on the file.
  ///
  /// - Returns: true if they do; false, with a ``StorageNotice``, if they do not; false without one
  ///   if this process may not try.
  package func lockExcludesOthers(on path: FilePath) throws(FileError) -> Bool {
    let second: any OpenFile
    do throws(FileError) {
      // For writing: network file systems require that for an exclusive lock.
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
