import ChunkFormat
import FileIO

extension RevisionShelf {
  /// Makes what forgetting needs and does not find, as long as there is room.
  func prepareForgetting() throws(StoreError) {
    try explainingReadOnly { () throws(StoreError) in
      try lockMarks().close()
      try reportingFileErrors { () throws(FileError) in
        try fileSystem.createDirectories(
          layout.forgotten, permissions: RepositoryLayout.directoryPermissions)
      }
    }
  }

  /// Lets revisions cease to exist: each file goes to `forgotten/` in one step, where it tells what
  /// those who still read it rely on. Marks stay; garbage collection removes both.
  ///
  /// After a crash at any moment each revision exists as it was, or is forgotten. What said nothing of
  /// the crash may be in both places: it exists then.
  ///
  /// - Parameter choose: names the revisions, while nobody can change what is said of any.
  /// - Throws: what `choose` throws; ``StoreError``: `.notFound` where one does not exist, and nothing
  ///   is done then; `.readOnly`.
  func forget(_ choose: () throws -> [RevisionID]) throws {
    let lock = try explainingReadOnly(lockMarks)
    defer { lock.close() }
    let ids = try choose()
    for id in ids where try !exists(id) {
      throw StoreError(.notFound, "revision \(id) is not in the repository")
    }
    guard !ids.isEmpty else { return }
    try explainingReadOnly { () throws(StoreError) in
      try reportingFileErrors { () throws(FileError) in
        try fileSystem.createDirectories(
          layout.forgotten, permissions: RepositoryLayout.directoryPermissions)
        // A revision that was seen may not be durable yet; an older one must not go for it.
        try fileSystem.synchronizeDirectory(layout.revisions)
        try move(ids)
      }
    }
  }

  private func move(_ ids: [RevisionID]) throws(FileError) {
    var failure: FileError?
    for id in ids where failure == nil {
      do throws(FileError) {
        try fileSystem.rename(layout.revision(id), to: layout.forgotten(id))
      } catch {
        failure = error
      }
    }
    // Also after a failure: what was moved before it is forgotten for good. In this order, so that no
    // file is in neither place.
    try fileSystem.synchronizeDirectory(layout.forgotten)
    try fileSystem.synchronizeDirectory(layout.revisions)
    if let failure { throw failure }
  }

  private func explainingReadOnly<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    do throws(StoreError) {
      return try body()
    } catch  where error.code == .readOnly {
      throw StoreError(
        .readOnly, "no revision of \(layout.root) can be forgotten, since it is read-only: \(error)"
      )
    }
  }
}
