import ChunkFormat
import FileIO
import SystemPackage

/// The files of revisions and of their marks.
struct RevisionShelf: Sendable {
  let layout: RepositoryLayout
  let fileSystem: any FileSystem
  let repository: RepositoryID
  let keys: RepositoryKeys?

  /// Names of all revisions, readable or not.
  func ids() throws(StoreError) -> [RevisionID] {
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.list(layout.revisions).compactMap { RevisionID(name: $0.name) }
    }
  }

  func list() throws(StoreError) -> RevisionListing {
    let marked = try markedRevisions()
    var entries: [RevisionEntry] = []
    var unreadable: [(id: RevisionID, error: StoreError)] = []
    for id in try ids() {
      do throws(StoreError) {
        entries.append(try entry(id, isMarked: marked.contains(id)))
      } catch  where error.code == .notFound {
        // Forgotten since the names were listed.
        continue
      } catch {
        unreadable.append((id, error))
      }
    }
    entries.sort {
      ($0.revision.created, $0.revision.finished, $0.id)
        < ($1.revision.created, $1.revision.finished, $1.id)
    }
    return RevisionListing(entries: entries, unreadable: unreadable)
  }

  /// One revision.
  ///
  /// - Throws: ``StoreError``: `.notFound`, `.damaged` where the file is not what its name says.
  func entry(_ id: RevisionID) throws(StoreError) -> RevisionEntry {
    try entry(id, isMarked: true)
  }

  /// Writes the file that makes a revision exist.
  func commit(_ revision: Revision) throws(StoreError) -> RevisionID {
    let (bytes, id) = try reportingFormatErrors(of: "new revision of \(revision.job)") {
      () throws(FormatError) -> ([UInt8], RevisionID) in
      let bytes = try revision.encoded(repository: repository, keys: keys)
      return (bytes, try FileDigest(of: bytes))
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
    let lock = try reportingFileErrors { () throws(FileError) in
      try fileSystem.lockFile(layout.marksLock, .exclusive)
    }
    defer { lock.close() }
    let current = try entry(id)
    if let damage = current.marksDamage {
      throw StoreError(
        .damaged,
        "\(damage); remove \(layout.marks(of: id)) to go back to what was said at the backup")
    }
    var marks = current.marks
    try change(&marks)
    guard marks != current.marks else { return }
    let bytes = try reportingFormatErrors(of: "marks of revision \(id)") {
      () throws(FormatError) in try marks.encoded(repository: repository, keys: keys)
    }
    try reportingFileErrors { () throws(FileError) in
      try fileSystem.writeDurably(
        bytes, to: layout.marks(of: id), permissions: RepositoryLayout.filePermissions)
    }
  }

  private func entry(_ id: RevisionID, isMarked: Bool) throws(StoreError) -> RevisionEntry {
    let bytes = try read(
      layout.revision(id), limitBytes: Revision.maximumFileBytes, what: "revision \(id)")
    let revision = try reportingFormatErrors(of: "revision \(id)") {
      () throws(FormatError) in
      let digest = try FileDigest(of: bytes)
      guard digest == id else {
        throw .corrupt("revision", expected: "content with the SHA-256 \(id)", found: "\(digest)")
      }
      return try Revision(encoded: bytes, repository: repository, keys: keys)
    }
    guard isMarked else { return RevisionEntry(id: id, revision: revision, marks: nil) }
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

  private func markedRevisions() throws(StoreError) -> Set<RevisionID> {
    try reportingFileErrors { () throws(FileError) in
      Set(try fileSystem.list(layout.marks).compactMap { RevisionID(name: $0.name) })
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
