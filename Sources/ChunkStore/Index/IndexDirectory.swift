import FileIO
import SystemPackage

/// The directory of an index: which file is in place, and who may change that.
///
/// A file named `home` holds device and inode of the data file. An index that is not at home came as a
/// copy, which may have been taken while somebody wrote, and is not used.
///
/// | file | |
/// |---|---|
/// | `data.mdb` | the index, in LMDB's format |
/// | `home` | which file that is |
/// | `moving-in.lock` | held by whoever puts an index in place, shared by whoever opens it |
/// | `write.lock` | held by whoever changes the index |
/// | `loading.lock` | held by whoever makes a new index of the packs: two at once would do it twice |
/// | `.tmp-…` | a new index that is not in place yet |
struct IndexDirectory: Sendable {
  let path: FilePath
  private let fileSystem = POSIXFileSystem()

  private var data: FilePath { path.appending("data.mdb") }
  private var home: FilePath { path.appending("home") }
  private var movingLock: FilePath { path.appending("moving-in.lock") }
  private var loadingLock: FilePath { path.appending("loading.lock") }
  private var writeLock: FilePath { path.appending("write.lock") }

  init(path: FilePath) { self.path = path }

  // MARK: - Opening

  /// The index that is at home here; an empty one is put in place where there is none. An index that
  /// is there is opened without writing anything.
  func open() throws(FileError) -> IndexFile {
    if let file = try openAtHome() { return file }
    try fileSystem.createDirectories(path, permissions: .ownerReadWriteExecute)
    let lock = try fileSystem.lockFile(movingLock, .exclusive)
    defer { lock.close() }
    if let file = try openUnlocked() { return file }
    try removeFiles()
    try fileSystem.createFile(data, permissions: .ownerReadWrite).close()
    try claim([FileIdentity(try fileSystem.metadata(of: data))])
    // One that everybody can reach has its locks before it is needed where there is no room.
    for lock in [writeLock, loadingLock] where try !fileSystem.exists(lock) {
      try fileSystem.lockFile(lock, .shared).close()
    }
    guard let file = try openUnlocked() else {
      throw FileError(operation: "open", path: data, errno: .noSuchFileOrDirectory)
    }
    return file
  }

  /// Which file is in place; nil where there is none.
  func identity() throws(FileError) -> FileIdentity? {
    do throws(FileError) {
      return FileIdentity(try fileSystem.metadata(of: data))
    } catch  where error.code == .notFound {
      return nil
    }
  }

  private func openAtHome() throws(FileError) -> IndexFile? {
    let lock: any OpenFile
    do throws(FileError) {
      lock = try fileSystem.openFile(movingLock, for: .reading)
    } catch  where error.code == .notFound {
      return try openUnlocked()
    }
    defer { lock.close() }
    try lock.lock(.shared)
    return try openUnlocked()
  }

  private func openUnlocked() throws(FileError) -> IndexFile? {
    do throws(FileError) {
      let claims = try fileSystem.readAll(home, limitBytes: 1024)
      guard let identity = try identity(),
        String(decoding: claims, as: UTF8.self).split(separator: "\n")
          .contains(where: { "\($0)\n" == identity.claim })
      else { return nil }
      return IndexFile(try fileSystem.openFile(data, for: .reading), identity: identity)
    } catch  where error.code == .notFound || error.errno == .fileTooLarge {
      return nil
    }
  }

  // MARK: - Locks

  func lockForLoading() throws(FileError) -> any OpenFile { try waitForLock(loadingLock) }

  func lockForWriting() throws(FileError) -> WriteLock {
    WriteLock(file: try waitForLock(writeLock))
  }

  /// Waits as long as it takes: entering millions of records takes minutes.
  private func waitForLock(_ path: FilePath) throws(FileError) -> any OpenFile {
    while true {
      do throws(FileError) {
        return try fileSystem.lockFile(path, .exclusive)
      } catch  where error.isOfHeldLock {
        continue
      }
    }
  }

  /// Keeps others from writing; nil where nobody ever could.
  func lockForReading() throws(FileError) -> (any OpenFile)? {
    do throws(FileError) {
      let file = try fileSystem.openFile(writeLock, for: .reading)
      try file.lock(.shared)
      return file
    } catch  where error.code == .notFound {
      return nil
    }
  }

  // MARK: - Changing places

  /// A new index, empty and out of others' reach. What others left who did not come to the end is
  /// removed.
  ///
  /// - Parameter lock: of ``lockForLoading()``.
  func makeUnplaced(_ lock: any OpenFile) throws(FileError) -> IndexFile {
    for left in try fileSystem.unfinishedFiles(in: path) {
      try fileSystem.removeIfThere(path.appending(left))
    }
    let file = try fileSystem.createFile(
      data.temporarySibling(), permissions: .ownerReadWrite)
    return IndexFile(file, identity: FileIdentity(try fileSystem.metadata(of: file.path)))
  }

  /// Puts a new index in place, in one step. Whoever has the old one open goes on with that.
  func place(_ fresh: IndexFile) throws(FileError) {
    let lock = try fileSystem.lockFile(movingLock, .exclusive)
    defer { lock.close() }
    // Both claims hold meanwhile, so that a crash costs neither.
    try claim([try identity(), fresh.identity].compactMap { $0 })
    try fileSystem.rename(fresh.path, to: data)
    try claim([fresh.identity])
    try fileSystem.removeIfThere(path.appending("lock.mdb"))
  }

  /// Removes a new index that did not come to its place.
  func discard(_ fresh: IndexFile) { try? fileSystem.remove(fresh.path) }

  /// Removes the index; whoever has it open goes on with the removed files.
  ///
  /// - Parameter identity: only this one; one that has taken its place by now stays. Nil for any.
  func wipe(only identity: FileIdentity?) throws(FileError) {
    let lock = try fileSystem.lockFile(movingLock, .exclusive)
    defer { lock.close() }
    if let identity, try self.identity() != identity { return }
    try removeFiles()
  }

  private func claim(_ identities: [FileIdentity]) throws(FileError) {
    try fileSystem.writeDurably(
      Array(identities.map(\.claim).joined().utf8), to: home,
      permissions: .ownerReadWrite)
  }

  private func removeFiles() throws(FileError) {
    for name in ["home", "data.mdb", "lock.mdb"] {
      try fileSystem.removeIfThere(path.appending(name))
    }
  }
}

/// Which file it is, whatever its name.
struct FileIdentity: Hashable, Sendable {
  private let device: UInt64
  private let inode: UInt64

  init(_ metadata: FileMetadata) {
    device = metadata.device
    inode = metadata.inode
  }

  /// As `home` holds it.
  var claim: String { "\(device) \(inode)\n" }
}
