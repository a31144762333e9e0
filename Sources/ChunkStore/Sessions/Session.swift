package import ChunkFormat
import FileIO
import SystemPackage

/// A place in the repository's list of users, held by a lock that ends with the process.
///
/// Whoever frees space looks at this list: writing sessions keep what they may rely on, pinned
/// revisions stay readable.
package final class Session: Sendable {
  package let record: SessionRecord
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
        } catch  where record.kind == .reading && [.readOnly, .noSpace].contains(error.code) {
          // On a read-only medium nothing is deleted either, at least not by this machine. On a full
          // one it could be; but then reading fails, and without this it could not even begin.
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
  func removeAbandoned() throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      try makeDirectory()
      for entry in try fileSystem.list(directory) where entry.kind == .file {
        let path = directory.appending(entry.name)
        do throws(FileError) {
          let file = try fileSystem.openFile(path, for: .readingAndWriting)
          defer { file.close() }
          if try file.tryLock(.exclusive) {
            try fileSystem.remove(path)
          }
        } catch  where error.code == .notFound {
          continue
        }
      }
    }
  }
}
