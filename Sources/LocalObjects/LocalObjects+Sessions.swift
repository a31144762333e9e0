import FileIO
package import ObjectStorage
import Synchronization
import SystemPackage

/// Sessions are files. The process of a session holds a lock on its file.
extension LocalObjects {
  /// The number of attempts to create a session's file. An attempt fails if another process removes
  /// abandoned files between the creation and the lock.
  private static let attempts = 16

  /// The file gets its name only when it is locked and complete. Otherwise another process could
  /// think that a crash left it over.
  package func beginSession(
    _ record: [UInt8], name: String
  ) throws(StorageError) -> any StorageSession {
    let path = layout.path(of: ObjectKey(.sessions, name))
    return try reportingFileErrors { () throws(FileError) in
      for _ in 1..<Self.attempts {
        do throws(FileError) {
          return try enter(record, as: path)
        } catch  where error.code == .notFound {
          // Another process removed the file as abandoned, between its creation and its lock.
          continue
        }
      }
      return try enter(record, as: path)
    }
  }

  private func enter(
    _ record: [UInt8], as path: FilePath
  ) throws(FileError) -> LocalSession {
    // The directory is usually empty, and some programs that copy repositories leave out empty
    // directories.
    try makeDirectory(of: .sessions)
    let unfinished = path.temporarySibling()
    let file = try fileSystem.createFile(
      unfinished, permissions: RepositoryLayout.filePermissions)
    do throws(FileError) {
      try file.lock(.exclusive)
      try file.write(record, at: 0)
      try fileSystem.rename(unfinished, to: path)
    } catch {
      try? fileSystem.remove(unfinished)
      throw error
    }
    return LocalSession(file: file, path: path, fileSystem: fileSystem)
  }

  package func liveSessions() throws(StorageError) -> [ObjectKey] {
    try sessions { isHeld in isHeld }
  }

  package func abandonedSessions() throws(StorageError) -> [ObjectKey] {
    try sessions { isHeld in !isHeld }
  }

  private func sessions(
    where isWanted: (_ isHeld: Bool) -> Bool
  ) throws(StorageError) -> [ObjectKey] {
    var found: [ObjectKey] = []
    try reportingFileErrors { () throws(FileError) in
      try forEachSession { name, isHeld in
        if isWanted(isHeld) { found.append(ObjectKey(.sessions, name)) }
      }
    }
    return found
  }

  package func removeAbandonedSessions() throws(StorageError) {
    try reportingFileErrors { () throws(FileError) in
      try forEachSession { name, isHeld throws(FileError) in
        let path = layout.path(of: ObjectKey(.sessions, name))
        guard !isHeld, try fileSystem.lockExcludesOthers(on: path) else { return }
        do throws(FileError) {
          try fileSystem.remove(path)
        } catch  where error.code == .permissionDenied {
          // The file belongs to another user. A process of that user can remove it.
        }
      }
    }
  }

  /// Calls `body` for each file of a session. `isHeld` tells whether another process holds its
  /// lock; if not, this process holds a lock while `body` runs. Skips files that have been removed
  /// meanwhile, and files with other names.
  private func forEachSession(
    _ body: (_ name: String, _ isHeld: Bool) throws(FileError) -> Void
  ) throws(FileError) {
    let directory = layout.directory(of: .sessions)
    for entry in try fileSystem.listIfThere(directory) ?? [] where Self.isSession(entry) {
      do throws(FileError) {
        let file = try fileSystem.openFile(directory.appending(entry.name), for: .reading)
        defer { file.close() }
        // Use a shared lock: two processes that check a file at once must not take each other for
        // its session.
        try body(entry.name, !file.tryLock(.shared))
      } catch  where error.code == .notFound {
        continue
      }
    }
  }

  private static func isSession(_ entry: DirectoryEntry) -> Bool {
    entry.kind == .file
      && (ObjectArea.sessions.admits(entry.name) || FilePath.isTemporaryName(entry.name))
  }
}

/// The file of a session of this process.
private final class LocalSession: StorageSession {
  private let file: any OpenFile
  private let path: FilePath
  private let fileSystem: any FileSystem
  private let hasEnded = Atomic(false)

  init(file: any OpenFile, path: FilePath, fileSystem: any FileSystem) {
    self.file = file
    self.path = path
    self.fileSystem = fileSystem
  }

  deinit { end() }

  func end() {
    guard !hasEnded.exchange(true, ordering: .relaxed) else { return }
    // A file that stays is recognised by its missing lock.
    try? fileSystem.remove(path)
    file.close()
  }
}
