import ChunkFormat
import FileIO
import SystemPackage

/// The files of revisions and of their marks.
struct RevisionShelf: Sendable {
  /// Marks that are written together, each of which is an open file meanwhile.
  private static let groupedFiles = 64

  let layout: RepositoryLayout
  let fileSystem: any FileSystem
  let repository: RepositoryID
  let keys: RepositoryKeys?
  let memory: RevisionMemory

  /// All revisions. What has not changed since the last time is not read again.
  func list() throws(StoreError) -> RevisionListing {
    let names = try names()
    let marks = try reportingFileErrors(in: layout.marks, of: fileSystem) { () throws(FileError) in
      try MarksFiles(in: layout.marks, known: memory.marks, fileSystem)
    }
    if let listing = memory.listing(of: names, marks: marks) { return listing }
    let (ids, known) = (names.compactMap { RevisionID(name: $0) }, memory.known)
    var read: [RevisionMemory.Known] = []
    read.reserveCapacity(ids.count)
    var unreadable: [(id: RevisionID, error: StoreError)] = []
    for id in ids {
      do throws(StoreError) {
        read.append(try look(at: id, marks: marks.files[id], known: known[id]))
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
      sound.count == ids.count
        ? RevisionMemory.Snapshot(names: names, marks: marks, listing: listing) : nil)
    return listing
  }

  /// Of revisions, readable or not, and of what else may lie there.
  private func names() throws(StoreError) -> [String] {
    try reportingFileErrors(in: layout.revisions, of: fileSystem) { () throws(FileError) in
      try fileSystem.list(layout.revisions).map(\.name)
    }
  }

  /// What is known of a revision, or what is in its files.
  private func look(
    at id: RevisionID, marks: FileMetadata?, known: RevisionMemory.Known?
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
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.exists(layout.revision(id))
    }
  }

  /// Writes the file that makes a revision exist.
  func commit(_ revision: Revision) throws(StoreError) -> RevisionID {
    let (bytes, id) = try reportingFormatErrors(of: "new revision of \(revision.job)") {
      () throws(FormatError) -> ([UInt8], RevisionID) in
      let bytes = try revision.encoded(repository: repository, keys: keys)
      return (bytes, try RevisionID(of: bytes))
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.writeDurably(
        bytes, to: layout.revision(id), permissions: RepositoryLayout.filePermissions)
    }
    return id
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
    defer { lock.close() }
    return try changeMarks(of: ids, change)
  }

  /// The same for whoever holds ``lockMarks()``.
  func changeMarks(
    of ids: [RevisionID], _ change: (RevisionID, inout RevisionMarks) throws -> Void
  ) throws -> [(id: RevisionID, error: StoreError)] {
    var failures: [(id: RevisionID, error: StoreError)] = []
    for first in stride(from: 0, to: ids.count, by: Self.groupedFiles) {
      var files: [NewFile] = []
      for id in ids[first..<min(first + Self.groupedFiles, ids.count)] {
        do {
          if let file = try changedMarks(of: id, change) { files.append(file) }
        } catch let error as StoreError where error.isDamage {
          failures.append((id, error))
        }
      }
      guard !files.isEmpty else { continue }
      try reportingFileErrors { () throws(FileError) in
        // Whoever commits one may not have come to that yet; marks without a revision tell of a loss.
        try fileSystem.synchronizeDirectory(layout.revisions)
        try fileSystem.writeDurably(
          files, in: layout.marks, permissions: RepositoryLayout.filePermissions)
      }
    }
    return failures
  }

  /// The marks of a revision after `change`; nil where that changes nothing.
  private func changedMarks(
    of id: RevisionID, _ change: (RevisionID, inout RevisionMarks) throws -> Void
  ) throws -> NewFile? {
    let current = try entry(id)
    if let damage = current.marksDamage {
      throw StoreError(
        .damaged,
        "\(damage); remove \(layout.marks(of: id)) to go back to what was said at the backup")
    }
    var marks = current.marks
    try change(id, &marks)
    guard marks != current.marks else { return nil }
    let bytes = try reportingFormatErrors(of: "marks of revision \(id)") {
      () throws(FormatError) in try marks.encoded(repository: repository, keys: keys)
    }
    return NewFile(path: layout.marks(of: id), bytes: bytes)
  }

  /// Waits until nobody else changes marks or policies, or forgets revisions, and keeps others from it.
  func lockMarks() throws(StoreError) -> any OpenFile {
    try reportingFileErrors(in: layout.marks, of: fileSystem) { () throws(FileError) in
      try fileSystem.lockFile(layout.marksLock, .exclusive)
    }
  }

  /// Keeps others from changing marks or policies and from forgetting revisions, changing nothing
  /// itself; nil where nobody ever did that, or this process may not.
  func lockMarksForReading() throws(StoreError) -> (any OpenFile)? {
    try reportingFileErrors { () throws(FileError) in
      do throws(FileError) {
        let file = try fileSystem.openFile(layout.marksLock, for: .reading)
        try file.lock(.shared)
        return file
      } catch  where error.code == .notFound || error.code == .permissionDenied {
        return nil
      }
    }
  }

  /// A revision that was forgotten and whose file is still there.
  func forgottenRevision(_ id: RevisionID) throws(StoreError) -> Revision {
    try entry(id, revision(id, in: layout.forgotten(id)).revision).revision
  }

  private func revision(
    _ id: RevisionID
  ) throws(StoreError) -> (revision: Revision, fileBytes: Int) {
    try revision(id, in: layout.revision(id))
  }

  /// A revision's file, and its length.
  private func revision(
    _ id: RevisionID, in path: FilePath
  ) throws(StoreError) -> (revision: Revision, fileBytes: Int) {
    let bytes = try read(
      path, limitBytes: Revision.maximumFileBytes, what: "revision \(id)")
    let revision = try reportingFormatErrors(of: "revision \(id)") {
      () throws(FormatError) in
      let digest = try RevisionID(of: bytes)
      guard digest == id else {
        throw .corrupt("revision", expected: "content with the SHA-256 \(id)", found: "\(digest)")
      }
      return try Revision(encoded: bytes, repository: repository, keys: keys)
    }
    return (revision, bytes.count)
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
    let bytes: [UInt8]
    do throws(StoreError) {
      bytes = try read(
        layout.marks(of: id), limitBytes: RevisionMarks.maximumFileBytes,
        what: "marks of revision \(id)")
    } catch  where error.code == .notFound {
      return nil
    }
    return try reportingFormatErrors(of: "marks of revision \(id)") { () throws(FormatError) in
      try RevisionMarks(encoded: bytes, revision: id, repository: repository, keys: keys)
    }
  }

  private func read(
    _ path: FilePath, limitBytes: Int, what: String
  ) throws(StoreError) -> [UInt8] {
    do throws(FileError) {
      return try fileSystem.readAll(path, limitBytes: limitBytes)
    } catch {
      throw error.code == .notFound
        ? StoreError(.notFound, "\(what) is not in the repository") : StoreError(error)
    }
  }
}
