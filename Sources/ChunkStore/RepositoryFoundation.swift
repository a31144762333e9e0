package import ChunkFormat
import FileIO
import SystemPackage
import Workers

/// Makes the files of a new repository. The configuration comes last: a directory without it is no
/// repository, and can be tried again.
struct RepositoryFoundation: Sendable {
  let layout: RepositoryLayout
  let fileSystem: any FileSystem

  /// Lays out a repository in a directory that does not exist, is empty, or is what an interrupted
  /// attempt left.
  ///
  /// - Throws: ``StoreError`` with `.alreadyExists` where there is anything else, or another process
  ///   was faster.
  func lay(
    settings: RepositorySettings, firstKey: NewKey?, environment: RepositoryEnvironment,
    context: WorkContext
  ) throws(StoreError) -> (configuration: RepositoryConfiguration, openedKey: KeyRing.Opened?) {
    try makeDirectories()
    let lock = try reportingFileErrors { () throws(FileError) in
      try fileSystem.lockFile(layout.keysLock, .exclusive)
    }
    defer { lock.close() }
    try checkThatNothingIsThere()
    try checkFileSystem()
    let configuration = try reportingFormatErrors(of: "new repository") {
      () throws(FormatError) in
      try RepositoryConfiguration(
        id: .random(), chunkSizeBytes: settings.chunkSizeBytes, isEncrypted: firstKey != nil,
        compression: settings.compression, created: context.now())
    }
    let opened = try addFirstKey(firstKey, to: configuration, cost: environment.passphraseCost)
    let bytes = try reportingFormatErrors(of: "new repository") { () throws(FormatError) in
      try configuration.encoded(keys: opened?.keys)
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.writeDurably(
        bytes, to: layout.configuration, permissions: RepositoryLayout.filePermissions)
    }
    return (configuration, opened)
  }

  private func addFirstKey(
    _ key: NewKey?, to configuration: RepositoryConfiguration, cost: ScryptCost
  ) throws(StoreError) -> KeyRing.Opened? {
    let ring = KeyRing(layout: layout, fileSystem: fileSystem, repository: configuration.id)
    // What an interrupted attempt left opens nothing, and would look like damage ever after.
    try ring.removeAll()
    guard let key else { return nil }
    let keys = try reportingFormatErrors(of: "new keys") { () throws(FormatError) in
      try RepositoryKeys.generate()
    }
    let slot = try ring.add(
      keys, secret: key.secret, label: key.label, created: configuration.created, cost: cost)
    return KeyRing.Opened(keys: keys, slot: slot, label: key.label)
  }

  /// Makes the directory of the repository, where there is none.
  static func makeRoot(_ root: FilePath, _ fileSystem: any FileSystem) throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.createDirectories(root, permissions: RepositoryLayout.directoryPermissions)
      do throws(FileError) {
        // Who made it may have died before making it durable.
        try fileSystem.synchronizeDirectory(root.parentDirectory)
      } catch  where error.code == .permissionDenied {}
    }
  }

  private func makeDirectories() throws(StoreError) {
    try checkForStrangers()
    try reportingFileErrors { () throws(FileError) in
      for directory in layout.directories {
        do throws(FileError) {
          try fileSystem.createDirectory(
            directory, permissions: RepositoryLayout.directoryPermissions)
        } catch  where error.code == .alreadyExists {}
      }
      try fileSystem.synchronizeDirectory(layout.packs)
      try fileSystem.synchronizeDirectory(layout.root)
    }
  }

  /// Refuses a directory that somebody uses for something; what a fresh ext4 holds may stay.
  private func checkForStrangers() throws(StoreError) {
    let known = Set(layout.directories.map { $0.lastComponent?.string ?? "" })
    let present = try names(in: layout.root)
    guard !present.contains("config") else { throw alreadyARepository }
    if let stranger = present.first(where: {
      !known.contains($0) && $0 != "lost+found" && !FilePath.isTemporaryName($0)
    }) {
      throw StoreError(
        .alreadyExists,
        "\(layout.root) is not empty: it holds '\(stranger)'; a repository wants a directory of "
          + "its own")
    }
  }

  /// An attempt that was interrupted stored nothing: where there are packs or revisions, the
  /// configuration of a repository was lost, and its keys must not be.
  private func checkThatNothingIsThere() throws(StoreError) {
    guard try !names(in: layout.root).contains("config") else { throw alreadyARepository }
    let stored = [layout.revisions] + PackKind.allCases.map(layout.packDirectory)
    for directory in stored
    where try names(in: directory).contains(where: { !FilePath.isTemporaryName($0) }) {
      throw StoreError(
        .alreadyExists,
        "\(layout.root) holds a repository whose file 'config' is missing: '\(directory)' is not "
          + "empty; bring the file back from a copy, or choose another directory")
    }
  }

  /// Tries what sessions need: an open, locked file gets another name, and keeps its lock.
  private func checkFileSystem() throws(StoreError) {
    let path = layout.sessions.appending("trial").temporarySibling()
    let renamed = path.temporarySibling()
    var refusal: FileError?
    try reportingFileErrors { () throws(FileError) in
      let file = try fileSystem.createFile(path, permissions: RepositoryLayout.filePermissions)
      defer {
        file.close()
        for path in [path, renamed] { try? fileSystem.removeIfThere(path) }
      }
      try file.lock(.exclusive)
      do throws(FileError) {
        try fileSystem.rename(path, to: renamed)
      } catch {
        refusal = error
        return
      }
      // Says so itself where it does not; nothing is deleted there then.
      _ = try fileSystem.lockExcludesOthers(on: renamed)
    }
    guard let refusal else { return }
    throw StoreError(
      .fileSystem,
      "\(layout.root) cannot hold a repository: its file system refuses to rename a file that is open, "
        + "which every backup has to do; choose a directory on another file system (\(refusal))")
  }

  private var alreadyARepository: StoreError {
    StoreError(.alreadyExists, "\(layout.root) is a varve repository already")
  }

  private func names(in directory: FilePath) throws(StoreError) -> [String] {
    try reportingFileErrors { () throws(FileError) in try fileSystem.list(directory).map(\.name) }
  }
}

/// What is fixed when a repository is made.
package struct RepositorySettings: Sendable {
  package var chunkSizeBytes = RepositoryConfiguration.standardChunkSizeBytes
  package var compression = CompressionMethod.standard

  package init() {}
}
