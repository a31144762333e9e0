import FileIO
package import ObjectStorage
import SystemPackage

extension LocalObjects {
  package func lock(_ area: ObjectArea) throws(StorageError) -> any StorageLock {
    LocalLock(
      try needingDirectory(of: area) { () throws(FileError) in
        try makeBeforeLocking(area)
        return try fileSystem.lockFile(layout.lock(of: area), .exclusive)
      })
  }

  package func tryLock(_ area: ObjectArea) throws(StorageError) -> (any StorageLock)? {
    try needingDirectory(of: area) { () throws(FileError) in
      try makeBeforeLocking(area)
      return try fileSystem.tryLockFile(layout.lock(of: area), .exclusive)
    }.map(LocalLock.init)
  }

  /// Creates the directory of an area before the area is locked. Except for `.marks`, which every
  /// repository has: if its directory is missing, locking must report the error.
  private func makeBeforeLocking(_ area: ObjectArea) throws(FileError) {
    if area != .marks { try makeDirectory(of: area) }
  }

  package func lockForReading(_ area: ObjectArea) throws(StorageError) -> (any StorageLock)? {
    try reportingFileErrors { () throws(FileError) in
      do throws(FileError) {
        let file = try fileSystem.openFile(layout.lock(of: area), for: .reading)
        try file.lock(.shared)
        return LocalLock(file)
      } catch  where error.code == .notFound || error.code == .permissionDenied {
        return nil
      }
    }
  }

  package func lockExcludesOthers(_ area: ObjectArea) throws(StorageError) -> Bool {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.lockExcludesOthers(on: layout.lock(of: area))
    }
  }
}

/// A lock on the lock file of an area.
private final class LocalLock: StorageLock {
  private let file: any OpenFile

  init(_ file: any OpenFile) { self.file = file }

  deinit { release() }

  func release() {
    // Closing alone is not enough: a child process that is being started has a copy of the
    // descriptor until its exec.
    try? file.unlock()
    file.close()
  }
}
