package import CalendarTime
package import ChunkFormat
package import ChunkStore
package import ObjectStorage

/// The right to collect garbage, which one process has at a time.
package final class CollectionLock: Sendable {
  private let lock: any StorageLock

  init(_ lock: any StorageLock) { self.lock = lock }

  deinit { release() }

  /// Lets others collect.
  package func release() { lock.release() }
}

extension Repository {
  /// Takes the right to collect garbage.
  ///
  /// - Throws: ``StoreError`` with `.busy` where somebody else has it.
  package func beginCollecting() throws(StoreError) -> CollectionLock {
    // Another collection keeps it as long as that takes, so nobody waits for it.
    let lock = try storage.makingRoom { () throws(StoreError) in
      try reportingStorageErrors { () throws(StorageError) in try storage.tryLock(.condemned) }
    }
    guard let lock else {
      throw StoreError(
        .busy, "another garbage collection is running in \(root); try again later")
    }
    let collecting = CollectionLock(lock)
    let isEffective = try reportingStorageErrors { () throws(StorageError) in
      try storage.lockExcludesOthers(.condemned)
    }
    guard isEffective else {
      throw StoreError(
        .fileSystem,
        "nothing is deleted in \(root): file locks do not work on its file system, so other users of "
          + "the repository cannot be seen; mount it so that flock(2) works, or collect garbage on the "
          + "machine that stores the files")
    }
    return collecting
  }

  /// Which revisions sessions and pins keep, and all revisions there are, at one moment: nothing is
  /// forgotten between the looks, and what was forgotten before stays so after a power failure.
  ///
  /// Else a revision that a session has just pinned, and that is forgotten then, would be in neither.
  ///
  /// - Parameter changesNothing: for who does not delete: no lock file is made where there is none.
  /// - Throws: ``StoreError``, also where the file of a session or a pin cannot be read.
  package func roots(
    changesNothing: Bool
  ) throws(StoreError) -> (pinned: Set<RevisionID>, listing: RevisionListing) {
    // Remembered: nobody waits for the lock while many files are read.
    _ = try revisions()
    let lock = try marksLock(changesNothing: changesNothing)
    defer { lock?.release() }
    if lock != nil, !changesNothing { try settleForgotten() }
    let pinned = Set(try liveSessions().flatMap(\.record.pinned) + soundPins().map(\.pin.revision))
    return (pinned, try revisions())
  }

  /// Keeps others from forgetting and from changing marks; nil where nobody can.
  private func marksLock(changesNothing: Bool) throws(StoreError) -> (any StorageLock)? {
    if changesNothing { return try revisionObjects.lockMarksForReading() }
    do throws(StoreError) {
      return try revisionObjects.lockMarks()
    } catch  where error.code == .readOnly {
      return nil
    }
  }

  /// Whoever forgot a revision may have died before that was durable.
  private func settleForgotten() throws(StoreError) {
    try reportingStorageErrors { () throws(StorageError) in
      do throws(StorageError) {
        try storage.settle(.forgotten)
      } catch  where error.code == .missingArea {
        // Nothing was ever forgotten here.
        return
      }
      try storage.settle(.revisions)
    }
  }

  // MARK: - Condemned packs

  /// Packs that are about to be deleted.
  package func condemnations() throws(StoreError) -> [StoredCondemnation] {
    try condemnationObjects.list()
  }

  /// Condemns packs: when this returns, no session that begins relies on them, and every session that
  /// may has its name in ``Condemnation/awaited``.
  package func condemn(
    _ packs: some Sequence<(id: PackID, kind: PackKind)>, at time: Timestamp
  ) throws(StoreError) -> StoredCondemnation {
    let condemnation = Condemnation(
      condemned: time, dataPacks: packs.filter { $0.kind == .data }.map(\.id),
      mapPacks: packs.filter { $0.kind == .map }.map(\.id), awaited: nil)
    var stored = try storage.makingRoom { () throws(StoreError) in
      try condemnationObjects.add(condemnation)
    }
    try noteAwaited(&stored)
    return stored
  }

  /// Finds out which sessions may rely on the packs, where whoever condemned them did not come to it.
  package func noteAwaited(_ stored: inout StoredCondemnation) throws(StoreError) {
    guard stored.condemnation.awaited == nil else { return }
    stored.condemnation.awaited = try liveSessions()
      .filter { $0.record.kind == .writing }.map(\.id)
    let noted = stored
    try storage.makingRoom { () throws(StoreError) in try condemnationObjects.write(noted) }
  }

  /// Removes condemnations that are damaged: their packs are no longer condemned then.
  ///
  /// - Parameter lock: so that nobody else is carrying them out.
  /// - Returns: how many.
  package func removeDamagedCondemnations(_ lock: CollectionLock) throws(StoreError) -> Int {
    try condemnationObjects.removeDamaged()
  }

  /// Ends a condemnation, whose packs are gone or pardoned.
  package func endCondemnation(_ name: String) throws(StoreError) {
    try condemnationObjects.remove(name)
  }

  // MARK: - Forgotten revisions

  /// Removes the files of forgotten revisions, and what was said of them.
  package func removeForgotten(_ ids: [RevisionID]) throws(StoreError) {
    guard !ids.isEmpty else { return }
    try reportingStorageErrors { () throws(StorageError) in
      // What is no file has nothing to say of a revision, and is not removed.
      let marked = Set(try storage.list(.marks).filter { $0.kind == .object }.map(\.key.name))
      for first in stride(from: 0, to: ids.count, by: Self.groupedRemovals) {
        let names = ids[first..<min(first + Self.groupedRemovals, ids.count)].map(\.description)
        // Marks go first, for good: without the revision, nothing would lead to them. But the very same
        // one may have been made again.
        var gone: [String] = []
        for name in names where marked.contains(name) {
          if try !storage.exists(ObjectKey(.revisions, name)) { gone.append(name) }
        }
        try storage.remove(gone, from: .marks)
        try storage.remove(names, from: .forgotten)
      }
    }
  }

  /// Few, so that little time passes between the look at a revision and the removal of its marks.
  private static var groupedRemovals: Int { 32 }

  /// Revisions that have marks or a pin and whose files are nowhere, so that they were lost: a revision
  /// has neither before it is durable, nor any more when it goes.
  ///
  /// - Parameter changesNothing: as for ``roots(changesNothing:)``.
  package func lostRevisions(changesNothing: Bool) throws(StoreError) -> [RevisionID] {
    let lock = try marksLock(changesNothing: changesNothing)
    defer { lock?.release() }
    let forgotten = try forgottenRevisions()
    let pinned = try soundPins().map(\.pin.revision)
    return try reportingStorageErrors { () throws(StorageError) in
      let known = Set(
        forgotten + (try storage.list(.revisions).compactMap { RevisionID(name: $0.key.name) }))
      let marked = try storage.list(.marks).filter { $0.kind == .object }
        .compactMap { RevisionID(name: $0.key.name) }
      return Set(marked + pinned).subtracting(known).sorted()
    }
  }

  /// Removes what is said of revisions that are lost.
  package func giveUp(_ lost: [RevisionID]) throws(StoreError) {
    guard !lost.isEmpty else { return }
    try reportingStorageErrors { () throws(StorageError) in
      try storage.remove(lost.map(\.description), from: .marks)
    }
  }

  // MARK: - Leftovers

  /// Unfinished objects: of packs and revisions, whose makers may live and have a session then, and of
  /// marks, policies, pins, the quarantine and condemnations, which are made under locks that nobody else has
  /// now.
  package func unfinishedFiles() throws(StoreError) -> [ObjectKey] {
    let lock = try marksLock(changesNothing: false)
    defer { lock?.release() }
    var files = try quarantineObjects.unfinishedFiles()
    try reportingStorageErrors { () throws(StorageError) in
      let areas: [ObjectArea] = [.dataPacks, .mapPacks, .revisions, .condemned, .marks, .settings]
      for area in areas { files += try storage.unfinished(in: area) }
      do throws(StorageError) {
        files += try storage.unfinished(in: .pins)
      } catch  where error.code == .missingArea {
        // Nothing was ever pinned here.
      }
    }
    return files
  }

  /// Removes objects whose makers are known to be gone; returns how many bytes they had.
  package func removeUnfinished(_ files: [ObjectKey]) throws(StoreError) -> UInt64 {
    try reportingStorageErrors { () throws(StorageError) in
      var bytes: UInt64 = 0
      for file in files {
        let size = try storage.sizeBytes(of: file) ?? 0
        if try storage.discard(file) { bytes += size }
      }
      return bytes
    }
  }
}
