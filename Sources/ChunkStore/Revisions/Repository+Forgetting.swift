package import ChunkFormat

extension Repository {
  /// Lets revisions cease to exist, durably. Who has one open keeps it; the space is freed by garbage
  /// collection.
  ///
  /// A crash leaves any of them forgotten and the others as they were (design, §7).
  ///
  /// - Throws: ``StoreError``: `.notFound`, and then none is forgotten; `.readOnly`.
  package func forget(_ ids: [RevisionID]) throws {
    try forget { _ in ids }
  }

  /// The same for those that `choose` picks among all that there are: what is said of them cannot
  /// change before they are forgotten.
  ///
  /// - Throws: also what `choose` throws; nothing is forgotten then.
  package func forget(_ choose: (RevisionListing) throws -> [RevisionID]) throws {
    try revisionShelf.forget { try choose(try revisions()) }
  }

  /// Who uses which revision now, in words, such as `restore of web01 (process 4711 on backup1)`.
  ///
  /// - Throws: ``StoreError``, also where the file of a session cannot be read.
  package func revisionUsers() throws(StoreError) -> [RevisionID: [String]] {
    var users: [RevisionID: [String]] = [:]
    for session in try sessionsWhereAnyCanBe() {
      let record = session.record
      let user = "\(record.purpose) (process \(record.process) on \(record.host))"
      for id in Set(record.pinned) { users[id, default: []].append(user) }
    }
    return users
  }

  /// Nobody can enter the list where nothing can be written.
  private func sessionsWhereAnyCanBe() throws(StoreError) -> [LiveSession] {
    do throws(StoreError) {
      return try liveSessions()
    } catch {
      guard error.code == .readOnly else { throw error }
      return []
    }
  }
}
