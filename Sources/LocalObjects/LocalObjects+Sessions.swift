import FileIO
package import ObjectStorage
import Synchronization
import SystemPackage

/// Sessions are files that their processes hold locks on.
extension LocalObjects {
  /// So often somebody may tidy up in just the wrong moment.
  private static let attempts = 16

  /// The file gets its name only when it is locked and complete, so that nobody takes it for one that
  /// a crash left behind.
  package func beginSession(
    _ record: [UInt8], name: String
  ) throws(StorageError) -> any StorageSession {
    let path = layout.path(of: ObjectKey(.sessions, name))
    return try reportingFileErrors { () throws(FileError) in
      for _ in 1..<Self.attempts {
        do throws(FileError) {
          return try enter(record, as: path)
        } catch  where error.code == .notFound {
          // Somebody tidied up in the moment between the file's creation and its lock.
          continue
        }
      }
      return try enter(record, as: path)
    }
  }

  private func enter(
    _ record: [UInt8], as path: FilePath
  ) throws(FileError) -> LocalSession {
    // The list is empty most of the time, and some that copy repositories leave out empty directories.
    try makeDirectory(of: .sessions)
    let unfinished = path.temporarySibling()
    let file = try fileSystem.createFile(
      unfinished, permissions: RepositoryLayout.filePermissions)
    do throws(FileError) {
      try file.lock(.exclusive)
      try record.span.bytes.withUnsafeBytes { record throws(FileError) in
        try file.write(record, at: 0)
      }
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
          // Another user's, who may have it removed.
        }
      }
    }
  }

  /// Calls `body` for each file of a session with whether somebody holds its lock, and else under a
  /// lock; files that have gone by then are passed over, and so is whatever has another name.
  private func forEachSession(
    _ body: (_ name: String, _ isHeld: Bool) throws(FileError) -> Void
  ) throws(FileError) {
    let directory = layout.directory(of: .sessions)
    for entry in try fileSystem.listIfThere(directory) ?? [] where Self.isSession(entry) {
      do throws(FileError) {
        let file = try fileSystem.openFile(directory.appending(entry.name), for: .reading)
        defer { file.close() }
        // Shared: two who tidy up at once do not take each other for the one who lives.
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
