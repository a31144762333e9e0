package import ChunkFormat
import FileIO
package import SystemPackage

extension Repository {
  /// What lies in the repository's directories.
  ///
  /// - Throws: ``StoreError`` where a directory that is there cannot be listed.
  package func census() throws(StoreError) -> RepositoryCensus {
    var taker = CensusTaker(layout: layout, fileSystem: fileSystem)
    return try taker.run()
  }

  /// Reads a small file and checks that it is what its name and its place say.
  ///
  /// - Throws: ``StoreError``: `.damaged` and the like; `.notFound` where it has gone meanwhile.
  package func inspect(_ file: RepositoryCensus.SmallFile) throws(StoreError) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try fileSystem.readAll(file.path, limitBytes: file.kind.longestBytes)
    } catch  where error.code == .notFound {
      throw StoreError(.notFound, "\(file.path) is not there any more")
    } catch
      where error.errno == .fileTooLarge || error.code == .inputOutput || error.isOfWrongKind
    {
      throw StoreError(.damaged, "\(error)")
    } catch {
      throw StoreError(error)
    }
    try reportingFormatErrors(of: relative(file.path)) { () throws(FormatError) in
      try Self.inspect(bytes, file, repository: configuration.id, keys: keys)
    }
  }

  private static func inspect(
    _ bytes: [UInt8], _ file: RepositoryCensus.SmallFile, repository: RepositoryID,
    keys: RepositoryKeys?
  ) throws(FormatError) {
    if let name = file.digest, file.kind != .marks {
      let digest = try FileDigest(of: bytes)
      guard digest == name else {
        throw .corrupt(
          file.kind.name, expected: "content with the SHA-256 \(name)", found: "\(digest)")
      }
    }
    switch file.kind {
    case .keySlot: _ = try KeySlot(encoded: bytes, repository: repository)
    case .revision: _ = try Revision(encoded: bytes, repository: repository, keys: keys)
    case .session: _ = try SessionRecord(encoded: bytes, repository: repository, keys: keys)
    case .quarantine: _ = try QuarantineReport(encoded: bytes, repository: repository, keys: keys)
    case .policies: _ = try RetentionPolicies(encoded: bytes, repository: repository, keys: keys)
    case .condemnation: _ = try Condemnation(encoded: bytes, repository: repository, keys: keys)
    case .pin: _ = try Pin(encoded: bytes, repository: repository, keys: keys)
    case .marks:
      guard let revision = file.digest else { return }
      _ = try RevisionMarks(
        encoded: bytes, revision: RevisionID(revision), repository: repository, keys: keys)
    case .configuration, .dataPack, .mapPack: preconditionFailure("no small file: \(file.path)")
    }
  }

  /// A path below the repository's directory, for people.
  package func relative(_ path: FilePath) -> String {
    var path = path
    _ = path.removePrefix(root)
    return path.string
  }

  // MARK: - Sessions and leftovers

  /// Files of sessions that nobody holds: their processes are gone.
  package func abandonedSessions() throws(StoreError) -> [FilePath] {
    try sessions.abandoned()
  }

  /// Removes what crashed sessions left.
  package func removeAbandonedSessions() throws(StoreError) {
    try sessions.removeAbandoned()
  }

  /// Removes those of `files`, which are unfinished and were there before this is called, that nobody
  /// is writing any more. Locks tell, not the times of files, which another machine's clock may set.
  ///
  /// - Returns: the files removed.
  package func removeLeftovers(_ files: [FilePath]) throws(StoreError) -> [FilePath] {
    guard !files.isEmpty else { return [] }
    var (idle, locks): (Set<FilePath>, [any OpenFile]) = ([], [])
    defer { for lock in locks { lock.close() } }
    locks.append(try revisionShelf.lockMarks())
    guard
      try reportingFileErrors({ () throws(FileError) in
        try fileSystem.lockExcludesOthers(on: layout.marksLock)
      })
    else { return [] }
    idle.formUnion([layout.marks, layout.pins])
    locks.append(try keyRing.lock())
    // The configuration is written under the one lock, policies under the other.
    idle.formUnion([layout.keys, layout.root])
    if let lock = try quarantineShelf.lockIfThere() {
      locks.append(lock)
      idle.insert(layout.quarantine)
    }
    let collecting = try lockCondemned(for: files)
    defer { collecting?.release() }
    if collecting != nil { idle.insert(layout.condemned) }
    // A writing session that made one of the files would still be there.
    if try !sessions.live().contains(where: { $0.record.kind == .writing }) {
      idle.formUnion(PackKind.allCases.map(layout.packDirectory))
      idle.insert(layout.revisions)
    }
    return try remove(files.filter { idle.contains($0.parentDirectory) })
  }

  /// Nil where none of `files` is a condemnation, or somebody may be writing one.
  private func lockCondemned(for files: [FilePath]) throws(StoreError) -> CollectionLock? {
    guard files.contains(where: { $0.parentDirectory == layout.condemned }) else { return nil }
    do throws(StoreError) {
      return try beginCollecting()
    } catch  where error.code == .busy {
      return nil
    }
  }

  private func remove(_ files: [FilePath]) throws(StoreError) -> [FilePath] {
    var removed: [FilePath] = []
    try reportingFileErrors { () throws(FileError) in
      for file in files {
        do throws(FileError) {
          try fileSystem.remove(file)
          removed.append(file)
        } catch  where error.code == .notFound {}
      }
    }
    return removed
  }

  /// Makes the directories that a repository is made with, where they are missing.
  package func makeMissingDirectories() throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      for directory in layout.directories {
        try fileSystem.createDirectories(
          directory, permissions: RepositoryLayout.directoryPermissions)
      }
    }
  }

  // MARK: - Packs

  /// Gives the file of a pack the name and place that its content has. The index has to be compared
  /// afterwards.
  ///
  /// - Returns: the new path; nil where that place is taken.
  package func putInPlace(
    _ file: RepositoryCensus.PackFile, as id: PackID, kind: PackKind
  ) throws(StoreError) -> FilePath? {
    let destination = layout.pack(kind, id)
    let isTaken = try reportingFileErrors { () throws(FileError) in
      try fileSystem.exists(destination)
    }
    guard !isTaken else { return nil }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.createDirectories(
        layout.packShard(kind, of: id), permissions: RepositoryLayout.directoryPermissions)
      try move(file.path, to: destination)
    }
    try records.unlist([file.id, id])
    return destination
  }

  /// Takes the file of a pack out of the repository's packs, into the quarantine, under `name`.
  ///
  /// To be called only when nothing is needed that the file has and no other. The index has to be
  /// compared afterwards.
  ///
  /// - Returns: the new path.
  package func setAside(
    _ file: RepositoryCensus.PackFile, as name: PackID
  ) throws(StoreError) -> FilePath {
    let destination = layout.setAside.appending(name.description)
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.createDirectories(
        layout.setAside, permissions: RepositoryLayout.directoryPermissions)
      try move(file.path, to: destination)
    }
    try records.unlist([file.id])
    return destination
  }

  private func move(_ source: FilePath, to destination: FilePath) throws(FileError) {
    try fileSystem.rename(source, to: destination)
    // The new name first: after a crash there are two of them rather than none.
    try fileSystem.synchronizeDirectory(destination.parentDirectory)
    try fileSystem.synchronizeDirectory(source.parentDirectory)
  }
}

extension RepositoryFileKind {
  /// A file of the kind has no more bytes.
  fileprivate var longestBytes: Int {
    switch self {
    case .configuration: RepositoryConfiguration.maximumFileBytes
    case .keySlot: KeySlot.maximumFileBytes
    case .dataPack, .mapPack: Int(PackLimits.maximumBytes)
    case .revision: Revision.maximumFileBytes
    case .marks: RevisionMarks.maximumFileBytes
    case .session: SessionRecord.maximumFileBytes
    case .condemnation: Condemnation.maximumFileBytes
    case .policies: RetentionPolicies.maximumFileBytes
    case .quarantine: QuarantineReport.maximumFileBytes
    case .pin: Pin.maximumFileBytes
    }
  }
}
