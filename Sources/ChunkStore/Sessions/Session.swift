package import ChunkFormat
import FileIO
import SystemPackage

/// A place in the repository's list of users, held by a lock that ends with the process.
///
/// Whoever frees space looks at this list: writing sessions keep what they may rely on, pinned
/// revisions stay readable.
package final class Session: Sendable {
  package let record: SessionRecord
  /// What others see of it; random, so that no two sessions ever have the same.
  package var name: String { path.lastComponent?.string ?? "" }
  /// Nil where nothing can be written down.
  private let file: (any OpenFile)?
  private let path: FilePath
  private let fileSystem: any FileSystem

  init(
    record: SessionRecord, file: (any OpenFile)?, path: FilePath, fileSystem: any FileSystem
  ) {
    self.record = record
    self.file = file
    self.path = path
    self.fileSystem = fileSystem
  }

  deinit { end() }

  /// Takes the session off the list; ending twice is harmless.
  package func end() {
    guard let file else { return }
    // A file that stays is recognised by its missing lock.
    try? fileSystem.remove(path)
    file.close()
  }
}

/// The sessions of a repository.
struct SessionList: Sendable {
  /// So often somebody may tidy up in just the wrong moment.
  private static let attempts = 16

  let directory: FilePath
  let fileSystem: any FileSystem
  let repository: RepositoryID
  let keys: RepositoryKeys?

  /// Enters `record` into the list.
  ///
  /// The file gets its name only when it is locked and complete, so that nobody takes it for one that
  /// a crash left behind.
  func begin(_ record: SessionRecord) throws(StoreError) -> Session {
    let bytes = try reportingFormatErrors(of: "session") { () throws(FormatError) in
      try record.encoded(repository: repository, keys: keys)
    }
    let name = try reportingFormatErrors(of: "session") { () throws(FormatError) in
      try Randomness.bytes(count: 16).withUnsafeBytes { Hexadecimal.encode($0) }
    }
    let path = directory.appending(name)
    return try reportingFileErrors { () throws(FileError) in
      for _ in 1..<Self.attempts {
        do throws(FileError) {
          try makeDirectory()
          return try enter(record, bytes, as: path)
        } catch  where error.code == .notFound {
          // Somebody tidied up in the moment between the file's creation and its lock.
          continue
        } catch
          where record.kind == .reading
          && [.readOnly, .noSpace, .permissionDenied].contains(error.code)
        {
          // On a read-only medium nothing is deleted either, at least not by this machine. On a full
          // one it could be, and by another user; but then reading fails, and without this it could
          // not even begin.
          return Session(record: record, file: nil, path: path, fileSystem: fileSystem)
        }
      }
      return try enter(record, bytes, as: path)
    }
  }

  /// The list is empty most of the time, and some that copy repositories leave out empty directories.
  private func makeDirectory() throws(FileError) {
    try fileSystem.createDirectories(
      directory, permissions: RepositoryLayout.directoryPermissions)
  }

  private func enter(
    _ record: SessionRecord, _ bytes: [UInt8], as path: FilePath
  ) throws(FileError) -> Session {
    let unfinished = path.temporarySibling()
    let file = try fileSystem.createFile(
      unfinished, permissions: RepositoryLayout.filePermissions)
    do throws(FileError) {
      try file.lock(.exclusive)
      try file.write(bytes, at: 0)
      try fileSystem.rename(unfinished, to: path)
    } catch {
      try? fileSystem.remove(unfinished)
      throw error
    }
    return Session(record: record, file: file, path: path, fileSystem: fileSystem)
  }

  /// Removes what crashed sessions left behind: files that nobody holds a lock on, finished or not.
  ///
  /// Where locks keep nobody out, which file is whose cannot be told, and all stay.
  func removeAbandoned() throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      try forEachFile { path, isHeld throws(FileError) in
        guard !isHeld, try fileSystem.lockExcludesOthers(on: path) else { return }
        do throws(FileError) {
          try fileSystem.remove(path)
        } catch  where error.code == .permissionDenied {
          // Another user's, who may have it removed.
        }
      }
    }
  }

  /// The sessions that live.
  ///
  /// - Throws: ``StoreError``, also where the file of one that lives cannot be read: what it relies on
  ///   is not known then.
  func live() throws(StoreError) -> [LiveSession] {
    var names: [String] = []
    try reportingFileErrors { () throws(FileError) in
      try forEachFile { path, isHeld in
        if isHeld, let name = path.lastComponent?.string { names.append(name) }
      }
    }
    var sessions: [LiveSession] = []
    for name in names where RepositoryLayout.isRandomName(name) {
      do throws(StoreError) {
        sessions.append(LiveSession(name: name, record: try record(of: name)))
      } catch  where error.code == .notFound {
        // Ended since.
        continue
      }
    }
    return sessions
  }

  /// Files that crashed sessions left behind; they stay.
  func abandoned() throws(StoreError) -> [FilePath] {
    try reportingFileErrors { () throws(FileError) in
      var abandoned: [FilePath] = []
      try forEachFile { path, isHeld in
        if !isHeld { abandoned.append(path) }
      }
      return abandoned
    }
  }

  /// Calls `body` for each file of a session with whether somebody holds its lock, and else under a
  /// lock; files that have gone by then are passed over, and so is whatever has another name.
  private func forEachFile(
    _ body: (FilePath, _ isHeld: Bool) throws(FileError) -> Void
  ) throws(FileError) {
    for entry in try fileSystem.listIfThere(directory) ?? [] where Self.isFile(entry) {
      let path = directory.appending(entry: entry.name)
      do throws(FileError) {
        let file = try fileSystem.openFile(path, for: .reading)
        defer { file.close() }
        // Shared: two who tidy up at once do not take each other for the one who lives.
        try body(path, !file.tryLock(.shared))
      } catch  where error.code == .notFound {
        continue
      }
    }
  }

  private static func isFile(_ entry: DirectoryEntry) -> Bool {
    entry.kind == .file
      && (RepositoryLayout.isRandomName(entry.name) || FilePath.isTemporaryName(entry.name))
  }

  private func record(of name: String) throws(StoreError) -> SessionRecord {
    let path = directory.appending(name)
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try fileSystem.readAll(path, limitBytes: SessionRecord.maximumFileBytes)
    } catch {
      throw error.code == .notFound
        ? StoreError(.notFound, "session \(name) has ended") : StoreError(error)
    }
    return try reportingFormatErrors(of: "session \(path)") { () throws(FormatError) in
      try SessionRecord(encoded: bytes, repository: repository, keys: keys)
    }
  }
}

/// A session that somebody holds, seen from outside.
package struct LiveSession: Sendable {
  package let name: String
  package let record: SessionRecord
}
