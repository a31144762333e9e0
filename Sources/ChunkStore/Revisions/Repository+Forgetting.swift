package import ChunkFormat
import ObjectStorage
import Remedies

extension Repository {
  /// Lets revisions cease to exist, durably. Who has one open keeps it; the space is freed by garbage
  /// collection.
  ///
  /// A crash leaves any of them forgotten and the others as they were (design, §7).
  ///
  /// - Throws: ``StoreError``: `.notFound`, or `.pinned` where a pin keeps one, and then none is forgotten;
  ///   `.readOnly`; what ``soundPins()`` throws.
  package func forget(_ ids: [RevisionID]) throws {
    try forget { _ in ids }
  }

  /// The same for those that `choose` picks among all that there are: what is said of them cannot
  /// change before they are forgotten.
  ///
  /// - Throws: also what `choose` throws; nothing is forgotten then.
  package func forget(_ choose: (RevisionListing) throws -> [RevisionID]) throws {
    try prepareForgetting()
    try revisionObjects.forget {
      let ids = try choose(try revisions())
      try checkPins(of: ids)
      return ids
    }
  }

  /// Makes what ``forget(_:)`` needs. Whoever reports what will be forgotten finds out before that report
  /// that the repository cannot be changed.
  ///
  /// - Throws: ``StoreError``, such as `.readOnly`.
  package func prepareForgetting() throws(StoreError) { try revisionObjects.prepareForgetting() }

  /// Revisions that are forgotten and whose files are still there.
  package func forgottenRevisions() throws(StoreError) -> [RevisionID] {
    // Nothing is there where nothing was ever forgotten.
    try reportingStorageErrors { () throws(StorageError) in
      try storage.listIfThere(.forgotten)?
        .filter { $0.kind == .object }.compactMap { RevisionID(name: $0.key.name) } ?? []
    }
  }

  /// A revision that was forgotten, for whoever still has it open.
  ///
  /// - Throws: ``StoreError`` with `.notFound` where it is gone altogether.
  package func forgottenRevision(_ id: RevisionID) throws(StoreError) -> Revision {
    try revisionObjects.forgottenRevision(id)
  }

  /// Refuses revisions that a pin keeps.
  ///
  /// - Throws: ``StoreError`` with `.pinned`, and what ``soundPins()`` throws.
  package func checkPins(of ids: [RevisionID]) throws(StoreError) {
    let (ids, pins) = (Set(ids), try soundPins())
    guard let held = pins.first(where: { ids.contains($0.pin.revision) }) else { return }
    throw StoreError(
      .pinned,
      "nothing was forgotten: revision \(held.pin.revision.short) of \(job(of: held.pin)) is pinned by "
        + "\(held.text)",
      remedy: .releasePin(held.name.description))
  }

  /// Who uses which revision now, in words, such as `restore of web01 (process 4711 on backup1)`, and
  /// which pins keep it.
  ///
  /// - Throws: ``StoreError``, also where the file of a session or a pin cannot be read.
  package func revisionUsers() throws(StoreError) -> [RevisionID: [String]] {
    var users: [RevisionID: [String]] = [:]
    for session in try sessionsWhereAnyCanBe() {
      let record = session.record
      let user = "\(record.purpose) (process \(record.process) on \(record.host))"
      for id in Set(record.pinned) { users[id, default: []].append(user) }
    }
    for pin in try soundPins() { users[pin.pin.revision, default: []].append(pin.text) }
    return users
  }

  /// Nobody can enter the list where nothing can be written.
  private func sessionsWhereAnyCanBe() throws(StoreError) -> [LiveSession] {
    do throws(StoreError) {
      return try liveSessions()
    } catch {
      guard error.isRefusal else { throw error }
      return []
    }
  }
}
