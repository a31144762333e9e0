import ChunkFormat
import ObjectStorage

extension RevisionObjects {
  /// Makes what forgetting needs and does not find, as long as there is room.
  func prepareForgetting() throws(StoreError) {
    try explainingReadOnly { () throws(StoreError) in
      try storage.makingRoom { () throws(StoreError) in
        try lockMarks().release()
        try reportingStorageErrors { () throws(StorageError) in try storage.make(.forgotten) }
      }
    }
  }

  /// Lets revisions cease to exist: each object goes to the forgotten ones in one step, where it tells what
  /// those who still read it rely on. Marks stay; garbage collection removes both.
  ///
  /// After a crash at any moment each revision exists as it was, or is forgotten. After a power failure
  /// a revision may be in both places; it then counts as existing.
  ///
  /// - Parameter choose: names the revisions, while nobody can change what is said of any.
  /// - Throws: what `choose` throws; ``StoreError``: `.notFound` where one does not exist, and nothing
  ///   is done then; `.readOnly`.
  func forget(_ choose: () throws -> [RevisionID]) throws {
    let lock = try explainingReadOnly(lockMarks)
    defer { lock.release() }
    let ids = try choose()
    for id in ids where try !exists(id) {
      throw StoreError(.notFound, "revision \(id) is not in the repository")
    }
    guard !ids.isEmpty else { return }
    try explainingReadOnly { () throws(StoreError) in
      try storage.makingRoom { () throws(StoreError) in
        try reportingStorageErrors { () throws(StorageError) in try move(ids) }
      }
    }
  }

  /// Moves those of `ids` that an earlier attempt has not moved.
  private func move(_ ids: [RevisionID]) throws(StorageError) {
    var moves: [(from: ObjectKey, to: ObjectKey)] = []
    for id in ids where try storage.exists(id.key) { moves.append((id.key, id.forgottenKey)) }
    // What an earlier attempt has moved must be durable there before it is gone here.
    if moves.count < ids.count { try storage.settle(.forgotten) }
    // A revision that was seen may not be durable yet; an older one must not go for it.
    try storage.settle(.revisions)
    try storage.move(moves)
  }

  private func explainingReadOnly<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    do throws(StoreError) {
      return try body()
    } catch  where error.code == .readOnly {
      throw StoreError(
        .readOnly,
        "cannot forget revisions of \(storage.place), which is read-only: \(error)",
        cause: error)
    }
  }
}
