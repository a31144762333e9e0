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
  /// Whoever makes, opens or removes an index holds a lock on this file: LMDB opens its two files one
  /// after the other, and they must belong together.
  private var lock: FilePath { path.appending("moving-in.lock") }

  /// Held by whoever enters many packs: two at once would enter everything twice.
  private var loading: FilePath { path.appending("loading.lock") }

  init(path: FilePath) { self.path = path }

  /// Runs `open` on an index that is at home here, while no other process comes or goes. The
  /// directory is made where there is none, and emptied where it holds a stranger's index.
  ///
  /// Where `open` finds the index damaged it is called once more, with a fresh one.
  ///
  /// - Throws: ``FileError``, and what `open` throws.
  func whileAtHome<Result>(_ open: (FileIdentity) throws -> Result) throws -> Result {
    try fileSystem.createDirectories(path, permissions: RepositoryLayout.directoryPermissions)
    let lock = try fileSystem.lockFile(lock, .exclusive)
    defer { lock.close() }
    do {
      return try open(try identityAtHome() ?? moveIn())
    } catch let error as LMDBError where error.isDamage {
      return try open(try moveIn())
    }
  }

  /// Waits as long as it takes: entering millions of records takes minutes.
  func lockForLoading() throws(StoreError) -> any OpenFile {
    try reportingFileErrors { () throws(FileError) in
      while true {
        do throws(FileError) {
          return try fileSystem.lockFile(loading, .exclusive)
        } catch  where error.isOfHeldLock {
          continue
        }
      }
    }
  }

  /// Removes the index; whoever has it open goes on with the removed files.
  ///
  /// - Parameter identity: only this one; one that has taken its place by now stays. Nil for any.
  func wipe(only identity: FileIdentity?) throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      let lock = try fileSystem.lockFile(lock, .exclusive)
      defer { lock.close() }
      if let identity, try self.identity() != identity { return }
      try removeFiles()
    }
  }

  private func moveIn() throws(FileError) -> FileIdentity {
    try removeFiles()
    try fileSystem.createFile(data, permissions: RepositoryLayout.filePermissions).close()
    let identity = FileIdentity(try fileSystem.metadata(of: data))
    try fileSystem.writeDurably(
      Array(identity.claim.utf8), to: home, permissions: RepositoryLayout.filePermissions)
    return identity
  }

  /// Which data file is here; nil where there is none, or it came as a copy.
  private func identityAtHome() throws(FileError) -> FileIdentity? {
    do {
      let claim = try fileSystem.readAll(home, limitBytes: 1024)
      guard let identity = try identity(), claim == Array(identity.claim.utf8) else { return nil }
      return identity
    } catch  where error.code == .notFound || error.errno == .fileTooLarge {
      return nil
    }
  }

  private func identity() throws(FileError) -> FileIdentity? {
    do {
      return FileIdentity(try fileSystem.metadata(of: data))
    } catch  where error.code == .notFound {
      return nil
    }
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
