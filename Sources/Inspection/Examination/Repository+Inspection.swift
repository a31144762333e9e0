package import ChunkFormat
package import ChunkStore
import GarbageCollection
package import ObjectStorage

extension Repository {
  /// What lies in the repository's directories.
  ///
  /// - Throws: ``StoreError`` where a directory that is there cannot be listed.
  package func census() throws(StoreError) -> RepositoryCensus {
    var taker = CensusTaker(storage)
    return try taker.run()
  }

  /// Reads a small file and checks that it is what its name and its place say.
  ///
  /// - Throws: ``StoreError``: `.damaged` and the like; `.notFound` where it has gone meanwhile.
  package func inspect(_ file: RepositoryCensus.SmallFile) throws(StoreError) {
    let bytes: [UInt8]
    do throws(StorageError) {
      bytes = try storage.read(file.key, limitBytes: file.kind.longestBytes)
    } catch  where error.code == .notFound {
      throw StoreError(.notFound, "\(storage.place(of: file.key)) no longer exists")
    } catch  where [.tooLarge, .unreadable, .wrongKind].contains(error.code) {
      throw StoreError(.damaged, "\(error)", cause: error)
    } catch {
      throw StoreError(error)
    }
    try reportingFormatErrors(of: storage.path(of: file.key)) { () throws(FormatError) in
      try Self.inspect(bytes, file, repository: configuration.id, keys: keys)
    }
  }

  private static func inspect(
    _ bytes: [UInt8], _ file: RepositoryCensus.SmallFile, repository: RepositoryID,
    keys: RepositoryKeys?
  ) throws(FormatError) {
    if let name = file.digest, file.kind != .marks {
      try name.check(bytes, of: file.kind)
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
    case .configuration, .dataPack, .mapPack: preconditionFailure("no small object: \(file.key)")
    }
  }

  /// Where an object is, below the repository's place, for people.
  package func path(of key: ObjectKey) -> String { storage.path(of: key) }

  /// Where an area is, below the repository's place, for people.
  package func path(of area: ObjectArea) -> String { storage.path(of: area) }

  // MARK: - Leftovers

  /// Removes those of `files`, which are unfinished and were there before this is called, that nobody
  /// is writing any more. Locks tell, not the times of files, which another machine's clock may set.
  ///
  /// - Returns: those that were removed.
  package func removeLeftovers(_ files: [ObjectKey]) throws(StoreError) -> [ObjectKey] {
    guard !files.isEmpty else { return [] }
    var (idle, locks): (Set<ObjectArea>, [any StorageLock]) = ([], [])
    defer { for lock in locks { lock.release() } }
    locks.append(try revisionObjects.lockMarks())
    guard
      try reportingStorageErrors({ () throws(StorageError) in
        try storage.lockExcludesOthers(.marks)
      })
    else { return [] }
    idle.formUnion([.marks, .pins])
    locks.append(try keyRing.lock())
    // The configuration is written under the one lock, policies under the other.
    idle.formUnion([.keys, .settings])
    if let lock = try quarantineObjects.lockIfThere() {
      locks.append(lock)
      idle.insert(.quarantine)
    }
    let collecting = try lockCondemned(for: files)
    defer { collecting?.release() }
    if collecting != nil { idle.insert(.condemned) }
    // A writing session that made one of the files would still be there.
    if try !liveSessions().contains(where: { $0.record.kind == .writing }) {
      idle.formUnion([.dataPacks, .mapPacks, .revisions])
    }
    return try discard(files.filter { idle.contains($0.area) })
  }

  /// Nil where none of `files` is a condemnation, or somebody may be writing one.
  private func lockCondemned(for files: [ObjectKey]) throws(StoreError) -> CollectionLock? {
    guard files.contains(where: { $0.area == .condemned }) else { return nil }
    do throws(StoreError) {
      return try beginCollecting()
    } catch  where error.code == .busy {
      return nil
    }
  }

  private func discard(_ files: [ObjectKey]) throws(StoreError) -> [ObjectKey] {
    var removed: [ObjectKey] = []
    try reportingStorageErrors { () throws(StorageError) in
      for file in files where try storage.discard(file) { removed.append(file) }
    }
    return removed
  }

  /// Makes areas that are missing.
  package func make(_ areas: [ObjectArea]) throws(StoreError) {
    try reportingStorageErrors { () throws(StorageError) in
      for area in areas { try storage.make(area) }
    }
  }

  /// Checks that repairs can be made: that this process may change the repository.
  ///
  /// - Throws: ``StoreError``, `.readOnly` for one that cannot be written to.
  package func checkThatItCanBeRepaired() throws(StoreError) {
    do throws(StoreError) {
      try keyRing.lock().release()
    } catch  where error.isRefusal {
      throw StoreError(
        error.code, "nothing can be repaired in \(storage.place): \(error)")
    }
  }

  // MARK: - Packs

  /// Gives a pack the name and place that its content has. The index has to be compared afterwards.
  ///
  /// - Returns: the new key; nil where that place is taken, or the file has gone meanwhile.
  package func putInPlace(
    _ file: RepositoryCensus.PackFile, as id: PackID, kind: PackKind
  ) throws(StoreError) -> ObjectKey? {
    let destination = kind.key(id)
    let isMoved = try reportingStorageErrors { () throws(StorageError) in
      if try storage.exists(destination) { return false }
      return try moveIfThere(file.key, to: destination)
    }
    guard isMoved else { return nil }
    try records.unlist([file.id, id])
    return destination
  }

  /// Takes a pack out of the repository's packs, into the quarantine, under `name`.
  ///
  /// To be called only when nothing is needed that the pack has and no other. The index has to be
  /// compared afterwards.
  ///
  /// - Returns: the new key; nil where the file has gone meanwhile.
  package func setAside(
    _ file: RepositoryCensus.PackFile, as name: PackID
  ) throws(StoreError) -> ObjectKey? {
    let destination = ObjectKey(.setAside, name.description)
    let isMoved = try reportingStorageErrors { () throws(StorageError) in
      try moveIfThere(file.key, to: destination)
    }
    try records.unlist([file.id])
    return isMoved ? destination : nil
  }

  /// - Returns: false where there is no such object: garbage collection may have deleted it.
  private func moveIfThere(
    _ key: ObjectKey, to destination: ObjectKey
  ) throws(StorageError) -> Bool {
    do throws(StorageError) {
      try storage.move([(key, destination)])
      return true
    } catch  where error.code == .notFound {
      guard try !storage.exists(key) else { throw error }
      return false
    }
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
