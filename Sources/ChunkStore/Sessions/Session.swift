package import ChunkFormat
import ObjectStorage

/// A place in the repository's list of users, which ends with the process.
///
/// Whoever frees space looks at this list: writing sessions keep what they may rely on, pinned
/// revisions stay readable.
package final class Session: Sendable {
  package let record: SessionRecord
  /// What others see of it.
  package let id: SessionID
  /// Nil where nothing can be written down.
  private let entry: (any StorageSession)?

  init(record: SessionRecord, id: SessionID, entry: (any StorageSession)?) {
    self.record = record
    self.id = id
    self.entry = entry
  }

  deinit { end() }

  /// Takes the session off the list; ending twice is harmless.
  package func end() { entry?.end() }
}

/// The sessions of a repository.
struct SessionList: Sendable {
  let objects: SmallObjects

  private var storage: any ObjectStorage { objects.storage }

  /// Enters `record` into the list.
  func begin(_ record: SessionRecord) throws(StoreError) -> Session {
    let bytes = try objects.encoded(record, as: "session")
    let id = try reportingFormatErrors(of: "session") { () throws(FormatError) in
      try SessionID.random()
    }
    do throws(StorageError) {
      let entry = try storage.beginSession(bytes, name: id.description)
      return Session(record: record, id: id, entry: entry)
    } catch
      where record.kind == .reading
      && [.readOnly, .noSpace, .permissionDenied, .notADirectory, .wrongKind]
        .contains(error.code)
    {
      // On a read-only medium nothing is deleted either, at least not by this machine; nor is it while the
      // list cannot be read, since something else lies in its place. On a full medium, and by another user,
      // it could be; but then reading fails, and without this it could not even begin.
      return Session(record: record, id: id, entry: nil)
    } catch {
      throw StoreError(error)
    }
  }

  /// Removes what crashed sessions left behind.
  ///
  /// Where locks keep nobody out, which session is whose cannot be told, and all stay.
  func removeAbandoned() throws(StoreError) {
    try reportingStorageErrors { () throws(StorageError) in
      try storage.removeAbandonedSessions()
    }
  }

  /// The sessions that live.
  ///
  /// - Throws: ``StoreError``, also where the record of one that lives cannot be read: what it relies on
  ///   is not known then.
  func live() throws(StoreError) -> [LiveSession] {
    let keys = try reportingStorageErrors { () throws(StorageError) in
      try storage.liveSessions()
    }
    var sessions: [LiveSession] = []
    for key in keys where key.area.admits(key.name) {
      do throws(StoreError) {
        let record: SessionRecord = try objects.read(
          key, as: "session \(storage.place(of: key))", gone: "session \(key.name) has ended")
        sessions.append(LiveSession(id: SessionID(name: key.name), record: record))
      } catch  where error.code == .notFound {
        // Ended since.
        continue
      }
    }
    return sessions
  }

  /// What crashed sessions left behind; it stays.
  func abandoned() throws(StoreError) -> [ObjectKey] {
    try reportingStorageErrors { () throws(StorageError) in try storage.abandonedSessions() }
  }
}

/// A session that somebody holds, seen from outside.
package struct LiveSession: Sendable {
  package let id: SessionID
  package let record: SessionRecord
}
