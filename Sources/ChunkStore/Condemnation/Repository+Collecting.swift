package import CalendarTime
package import ChunkFormat
import FileIO
package import SystemPackage

/// The right to collect garbage, which one process has at a time.
package final class CollectionLock: Sendable {
  private let file: any OpenFile

  init(file: any OpenFile) { self.file = file }

  deinit { release() }

  /// Lets others collect.
  package func release() {
    // Not only closed: a child that is just being started holds a copy of the descriptor till its exec.
    try? file.unlock()
    file.close()
  }
}

extension Repository {
  /// Takes the right to collect garbage.
  ///
  /// - Throws: ``StoreError`` with `.busy` where somebody else has it.
  package func beginCollecting() throws(StoreError) -> CollectionLock {
    // Another collection keeps it as long as that takes, so nobody waits for it.
    let file = try reserve.makingRoom { () throws(StoreError) in
      try reportingFileErrors { () throws(FileError) in
        try fileSystem.createDirectories(
          layout.condemned, permissions: RepositoryLayout.directoryPermissions)
        return try fileSystem.tryLockFile(layout.condemnedLock, .exclusive)
      }
    }
    guard let file else {
      throw StoreError(
        .busy, "another garbage collection is running in \(root); try again later")
    }
    let lock = CollectionLock(file: file)
    let isEffective = try reportingFileErrors { () throws(FileError) in
      try fileSystem.lockExcludesOthers(on: layout.condemnedLock)
    }
    guard isEffective else {
      throw StoreError(
        .fileSystem,
        "nothing is deleted in \(root): its file system grants a lock to everybody, so it cannot be "
          + "told who uses the repository; mount it so that flock(2) works, or collect garbage on the "
          + "machine that has the files")
    }
    return lock
  }

  /// The sessions that live.
  ///
  /// - Throws: ``StoreError``, also where one that lives cannot be read.
  package func liveSessions() throws(StoreError) -> [LiveSession] { try sessions.live() }

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
    defer { lock?.close() }
    if lock != nil, !changesNothing { try settleForgotten() }
    let pinned = Set(try liveSessions().flatMap(\.record.pinned) + soundPins().map(\.pin.revision))
    return (pinned, try revisions())
  }

  /// Keeps others from forgetting and from changing marks; nil where nobody can.
  private func marksLock(changesNothing: Bool) throws(StoreError) -> (any OpenFile)? {
    if changesNothing { return try revisionShelf.lockMarksForReading() }
    do throws(StoreError) {
      return try revisionShelf.lockMarks()
    } catch  where error.code == .readOnly {
      return nil
    }
  }

  /// Whoever forgot a revision may have died before that was durable.
  private func settleForgotten() throws(StoreError) {
    try reportingFileErrors { () throws(FileError) in
      do throws(FileError) {
        try fileSystem.synchronizeDirectory(layout.forgotten)
      } catch  where error.code == .notFound {
        // Nothing was ever forgotten here.
        return
      }
      try fileSystem.synchronizeDirectory(layout.revisions)
    }
  }

  // MARK: - Condemned packs

  /// Packs that are about to be deleted.
  package func condemnations() throws(StoreError) -> [StoredCondemnation] {
    try condemnationShelf.list()
  }

  /// Condemns packs: when this returns, no session that begins relies on them, and every session that
  /// may has its name in ``Condemnation/awaited``.
  package func condemn(
    _ packs: some Sequence<(id: PackID, kind: PackKind)>, at time: Timestamp
  ) throws(StoreError) -> StoredCondemnation {
    let condemnation = Condemnation(
      condemned: time, dataPacks: packs.filter { $0.kind == .data }.map(\.id),
      mapPacks: packs.filter { $0.kind == .map }.map(\.id), awaited: nil)
    var stored = try reserve.makingRoom { () throws(StoreError) in
      try condemnationShelf.add(condemnation)
    }
    try noteAwaited(&stored)
    return stored
  }

  /// Finds out which sessions may rely on the packs, where whoever condemned them did not come to it.
  package func noteAwaited(_ stored: inout StoredCondemnation) throws(StoreError) {
    guard stored.condemnation.awaited == nil else { return }
    stored.condemnation.awaited = try liveSessions()
      .filter { $0.record.kind == .writing }.map(\.name)
    let noted = stored
    try reserve.makingRoom { () throws(StoreError) in try condemnationShelf.write(noted) }
  }

  /// Removes condemnations that are damaged: their packs are no longer condemned then.
  ///
  /// - Parameter lock: so that nobody else is carrying them out.
  /// - Returns: their files.
  package func removeDamagedCondemnations(
    _ lock: CollectionLock
  ) throws(StoreError) -> [FilePath] {
    try condemnationShelf.removeDamaged()
  }

  /// Ends a condemnation, whose packs are gone or pardoned.
  package func endCondemnation(_ name: String) throws(StoreError) {
    try condemnationShelf.remove(name)
  }

  /// What a writing session that begins now takes for absent.
  package func absentContent() throws(StoreError) -> AbsentContent {
    var absent = AbsentContent()
    for stored in try condemnationShelf.list() {
      absent.packs.formUnion(stored.condemnation.packs.map(\.id))
    }
    absent.records = try quarantine().records
    return absent
  }

  // MARK: - Forgotten revisions

  /// Revisions that are forgotten and whose files are still there.
  package func forgottenRevisions() throws(StoreError) -> [RevisionID] {
    // Nothing is there where nothing was ever forgotten.
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.listIfThere(layout.forgotten)?
        .filter { $0.kind == .file }.compactMap { RevisionID(name: $0.name) } ?? []
    }
  }

  /// A revision that was forgotten, for whoever still has it open.
  ///
  /// - Throws: ``StoreError`` with `.notFound` where it is gone altogether.
  package func forgottenRevision(_ id: RevisionID) throws(StoreError) -> Revision {
    try revisionShelf.forgottenRevision(id)
  }

  /// Removes the files of forgotten revisions, and what was said of them.
  package func removeForgotten(_ ids: [RevisionID]) throws(StoreError) {
    guard !ids.isEmpty else { return }
    for id in ids {
      // Marks go first, for good: without the revision, nothing would lead to them. But the very same
      // one may have been made again.
      if try !revisionShelf.exists(id) {
        try reportingFileErrors { () throws(FileError) in
          try fileSystem.removeIfThere(layout.marks(of: id))
        }
      }
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.synchronizeDirectory(layout.marks)
      for id in ids {
        try fileSystem.removeIfThere(layout.forgotten(id))
      }
      try fileSystem.synchronizeDirectory(layout.forgotten)
    }
  }

  /// Revisions that have marks or a pin and whose files are nowhere, so that they were lost: a revision
  /// has neither before it is durable, nor any more when it goes.
  ///
  /// - Parameter changesNothing: as for ``roots(changesNothing:)``.
  package func lostRevisions(changesNothing: Bool) throws(StoreError) -> [RevisionID] {
    let lock = try marksLock(changesNothing: changesNothing)
    defer { lock?.close() }
    let forgotten = try forgottenRevisions()
    let pinned = try soundPins().map(\.pin.revision)
    return try reportingFileErrors { () throws(FileError) in
      let known = Set(
        forgotten + (try fileSystem.list(layout.revisions).compactMap { RevisionID(name: $0.name) })
      )
      let marked = try fileSystem.list(layout.marks).filter { $0.kind == .file }
        .compactMap { RevisionID(name: $0.name) }
      return Set(marked + pinned).subtracting(known).sorted()
    }
  }

  /// Removes what is said of revisions that are lost.
  package func giveUp(_ lost: [RevisionID]) throws(StoreError) {
    guard !lost.isEmpty else { return }
    try reportingFileErrors { () throws(FileError) in
      for id in lost { try fileSystem.removeIfThere(layout.marks(of: id)) }
      try fileSystem.synchronizeDirectory(layout.marks)
    }
  }

  // MARK: - Leftovers

  /// Unfinished files: of packs and revisions, whose makers may live and have a session then, and of
  /// marks, policies, pins, the quarantine and condemnations, which are made under locks that nobody else has
  /// now.
  package func unfinishedFiles() throws(StoreError) -> [FilePath] {
    let lock = try marksLock(changesNothing: false)
    defer { lock?.close() }
    let directories =
      PackKind.allCases.map(layout.packDirectory)
      + [layout.revisions, layout.condemned, layout.marks, layout.policies.parentDirectory]
    var files = try quarantineShelf.unfinishedFiles()
    try reportingFileErrors { () throws(FileError) in
      for directory in directories { files += try fileSystem.unfinishedFiles(in: directory) }
      if try fileSystem.exists(layout.pins) {
        files += try fileSystem.unfinishedFiles(in: layout.pins)
      }
    }
    return files
  }

  /// Removes files whose makers are known to be gone; returns how many bytes they had.
  package func removeUnfinished(_ files: [FilePath]) throws(StoreError) -> UInt64 {
    try reportingFileErrors { () throws(FileError) in
      var bytes: UInt64 = 0
      for file in files {
        do throws(FileError) {
          let size = try fileSystem.metadata(of: file).sizeBytes
          try fileSystem.remove(file)
          bytes += size
        } catch  where error.code == .notFound {
          continue
        }
      }
      return bytes
    }
  }
}

extension Condemnation {
  /// All packs with their kinds.
  package var packs: [(id: PackID, kind: PackKind)] {
    dataPacks.map { ($0, .data) } + mapPacks.map { ($0, .map) }
  }
}
