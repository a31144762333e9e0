package import ChunkFormat
package import ObjectStorage

/// The objects of revisions and of their marks.
package struct RevisionObjects: Sendable {
  /// Marks that are written together, each of which may be an open file meanwhile.
  private static let groupedMarks = 64

  let objects: SmallObjects
  let memory: RevisionMemory

  var storage: any ObjectStorage { objects.storage }

  /// All revisions. What has not changed since the last time is not read again.
  func list() throws(StoreError) -> RevisionListing {
    let names = try names()
    let marks = try reportingStorageErrors { () throws(StorageError) in
      try storage.versions(in: .marks, known: memory.marks)
    }
    if let listing = memory.listing(of: names, marks: marks) { return listing }
    let known = memory.known
    var read: [RevisionMemory.Known] = []
    read.reserveCapacity(names.count)
    var unreadable: [(id: RevisionID, error: StoreError)] = []
    var count = 0
    for name in names {
      guard let id = RevisionID(name: name) else { continue }
      count += 1
      do throws(StoreError) {
        read.append(try look(at: id, marks: marks.versions[name], known: known[id]))
      } catch  where error.code == .notFound {
        // Forgotten since the names were listed.
        continue
      } catch {
        unreadable.append((id, error))
      }
    }
    let listing = RevisionListing(entries: read.map(\.entry).sorted(), unreadable: unreadable)
    let sound = read.filter { $0.entry.marksDamage == nil }
    memory.keep(
      sound,
      sound.count == count
        ? RevisionMemory.Snapshot(names: names, marks: marks, listing: listing) : nil)
    return listing
  }

  /// Of revisions, readable or not, and of what else may lie there.
  private func names() throws(StoreError) -> [String] {
    try reportingStorageErrors { () throws(StorageError) in
      try storage.list(.revisions).map(\.key.name)
    }
  }

  /// What is known of a revision, or what is in its files.
  private func look(
    at id: RevisionID, marks: ObjectVersion?, known: RevisionMemory.Known?
  ) throws(StoreError) -> RevisionMemory.Known {
    if let known, known.marks == marks { return known }
    let (revision, fileBytes) =
      if let known { (known.revision, known.fileBytes) } else { try self.revision(id) }
    return RevisionMemory.Known(
      entry: marks == nil
        ? RevisionEntry(id: id, revision: revision, marks: nil) : entry(id, revision),
      revision: revision, marks: marks, fileBytes: fileBytes)
  }

  /// One revision, as it is now.
  ///
  /// - Throws: ``StoreError``: `.notFound`, `.damaged` where the file is not what its name says.
  func entry(_ id: RevisionID) throws(StoreError) -> RevisionEntry {
    entry(id, try revision(id).revision)
  }

  /// Whether the revision is there, readable or not.
  func exists(_ id: RevisionID) throws(StoreError) -> Bool {
    try reportingStorageErrors { () throws(StorageError) in try storage.exists(id.key) }
  }

  /// Writes the object that makes a revision exist.
  func commit(_ revision: Revision) throws(StoreError) -> RevisionID {
    RevisionID(
      try objects.writeNamed(
        revision, in: .revisions, as: "new revision of \(revision.job)"))
  }

  /// Changes what is said of a revision; changes by others at the same time are not lost.
  func updateMarks(
    of id: RevisionID, _ change: (inout RevisionMarks) throws -> Void
  ) throws {
    let failures = try updateMarks(of: [id]) { _, marks in try change(&marks) }
    if let failure = failures.first { throw failure.error }
  }

  /// The same for several at once, which takes less time than one after the other.
  ///
  /// - Returns: those of which nothing could be changed, since they are gone or damaged.
  func updateMarks(
    of ids: [RevisionID], _ change: (RevisionID, inout RevisionMarks) throws -> Void
  ) throws -> [(id: RevisionID, error: StoreError)] {
    let lock = try lockMarks()
    defer { lock.release() }
    return try changeMarks(of: ids, change)
  }

  /// The same for whoever holds ``lockMarks()``.
  func changeMarks(
    of ids: [RevisionID], _ change: (RevisionID, inout RevisionMarks) throws -> Void
  ) throws -> [(id: RevisionID, error: StoreError)] {
    var failures: [(id: RevisionID, error: StoreError)] = []
    for first in stride(from: 0, to: ids.count, by: Self.groupedMarks) {
      var marks: [NewObject] = []
      for id in ids[first..<min(first + Self.groupedMarks, ids.count)] {
        do {
          if let changed = try changedMarks(of: id, change) { marks.append(changed) }
        } catch let error as StoreError where error.isDamage {
          failures.append((id, error))
        }
      }
      guard !marks.isEmpty else { continue }
      try reportingStorageErrors { () throws(StorageError) in
        // Whoever commits one may not have come to that yet; marks without a revision tell of a loss.
        try storage.settle(.revisions)
        try storage.put(marks, in: .marks)
      }
    }
    return failures
  }

  /// The marks of a revision after `change`; nil where that changes nothing.
  private func changedMarks(
    of id: RevisionID, _ change: (RevisionID, inout RevisionMarks) throws -> Void
  ) throws -> NewObject? {
    let current = try entry(id)
    if let damage = current.marksDamage {
      throw StoreError(
        .damaged,
        "\(damage); remove \(storage.place(of: id.marksKey)) to return to the tags and trust set at the "
          + "backup")
    }
    var marks = current.marks
    try change(id, &marks)
    guard marks != current.marks else { return nil }
    return NewObject(
      name: id.description, bytes: try objects.encoded(marks, as: "marks of revision \(id)"))
  }

  /// Waits until nobody else changes marks or policies, or forgets revisions, and keeps others from it.
  package func lockMarks() throws(StoreError) -> any StorageLock {
    try reportingStorageErrors { () throws(StorageError) in try storage.lock(.marks) }
  }

  /// Keeps others from changing marks or policies and from forgetting revisions, changing nothing
  /// itself; nil where nobody ever did that, or this process may not.
  package func lockMarksForReading() throws(StoreError) -> (any StorageLock)? {
    try reportingStorageErrors { () throws(StorageError) in try storage.lockForReading(.marks) }
  }

  /// A revision that was forgotten and whose file is still there.
  func forgottenRevision(_ id: RevisionID) throws(StoreError) -> Revision {
    try entry(id, revision(id, at: id.forgottenKey).revision).revision
  }

  private func revision(
    _ id: RevisionID
  ) throws(StoreError) -> (revision: Revision, fileBytes: Int) {
    try revision(id, at: id.key)
  }

  /// A revision's object, and its length.
  private func revision(
    _ id: RevisionID, at key: ObjectKey
  ) throws(StoreError) -> (revision: Revision, fileBytes: Int) {
    try objects.read(
      key, limitBytes: Revision.maximumFileBytes, as: "revision \(id)",
      gone: "revision \(id) is not in the repository"
    ) { bytes throws(FormatError) in
      try id.digest.check(bytes, of: .revision)
      let revision = try Revision(
        encoded: bytes, repository: objects.repository, keys: objects.keys)
      return (revision, bytes.count)
    }
  }

  /// A revision with its marks as they are now.
  private func entry(_ id: RevisionID, _ revision: Revision) -> RevisionEntry {
    do throws(StoreError) {
      return RevisionEntry(id: id, revision: revision, marks: try marks(of: id))
    } catch {
      return RevisionEntry(id: id, revision: revision, marksDamage: error)
    }
  }

  /// What was said of a revision since it was made; nil where nothing was.
  private func marks(of id: RevisionID) throws(StoreError) -> RevisionMarks? {
    do throws(StoreError) {
      return try objects.read(
        id.marksKey, limitBytes: RevisionMarks.maximumFileBytes, as: "marks of revision \(id)",
        gone: "revision \(id) has no marks"
      ) { bytes throws(FormatError) in
        try RevisionMarks(
          encoded: bytes, revision: id, repository: objects.repository, keys: objects.keys)
      }
    } catch  where error.code == .notFound {
      return nil
    }
  }
}

extension RevisionID {
  package var key: ObjectKey { ObjectKey(.revisions, description) }
  var marksKey: ObjectKey { ObjectKey(.marks, description) }
  var forgottenKey: ObjectKey { ObjectKey(.forgotten, description) }
}
