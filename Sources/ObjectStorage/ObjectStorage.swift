/// What a repository needs of the place that holds it.
///
/// Every `put`, `move` and `remove` is durable when it returns, and each object is there whole or not at
/// all. A listing is complete or an error. What cannot be looked at is an error, never missing.
package protocol ObjectStorage: ConditionalObjectStorage, AreaLocks, StorageSessions {
  // MARK: - Places, for people

  /// Where the repository is.
  var place: String { get }

  /// Where an object is, below ``place``: `packs/data/1f/1f3a…`.
  func path(of key: ObjectKey) -> String

  /// Where an area is, below ``place``; empty for ``ObjectArea/settings``.
  func path(of area: ObjectArea) -> String

  /// Whether `other` holds the very same objects.
  ///
  /// - Throws: ``StorageError`` where the configuration of one of both cannot be looked at.
  func isSamePlace(as other: any ObjectStorage) throws(StorageError) -> Bool

  // MARK: - Making a repository

  /// Makes the place and its first areas, where there is nothing, or what an interrupted attempt left.
  ///
  /// - Throws: ``StorageError``: `.alreadyExists` where there is a repository, `.occupied` where there is
  ///   anything else.
  func create() throws(StorageError)

  /// Tries what sessions need.
  ///
  /// - Throws: ``StorageError`` with `.unsuitable` where it does not work here.
  func probe() throws(StorageError)

  /// Makes an area, unless it is there.
  func make(_ area: ObjectArea) throws(StorageError)

  // MARK: - Reading

  /// All bytes of an object.
  ///
  /// - Throws: ``StorageError`` with `.tooLarge` where there are more than `limitBytes`, before they are
  ///   read.
  func read(_ key: ObjectKey, limitBytes: Int) throws(StorageError) -> [UInt8]

  /// Opens an object for reads at any offset.
  func open(_ key: ObjectKey) throws(StorageError) -> any StoredObject

  /// How long an object is; nil where there is none.
  func sizeBytes(of key: ObjectKey) throws(StorageError) -> UInt64?

  /// Everything in an area, sorted by name. Packs come first by the first byte of their names.
  ///
  /// - Throws: ``StorageError`` with `.missingArea` where there is no such area.
  func list(_ area: ObjectArea) throws(StorageError) -> [ListedObject]

  /// Whether there is such an area.
  func isThere(_ area: ObjectArea) throws(StorageError) -> Bool

  /// Those of ``list(_:)`` that are unfinished, for less.
  func unfinished(in area: ObjectArea) throws(StorageError) -> [ObjectKey]

  /// Whether nothing was ever put into a required area, or all of it is unfinished.
  func isEmpty(_ area: ObjectArea) throws(StorageError) -> Bool

  /// The versions of all objects of an area.
  ///
  /// - Parameters:
  ///   - area: whose objects.
  ///   - known: earlier ones, which are returned where nothing has changed since.
  func versions(
    in area: ObjectArea, known: AreaVersions?
  ) throws(StorageError) -> AreaVersions

  // MARK: - Changing

  /// Puts several objects of an area, each in one step in place of one of its name, for less. After a failure some may have been put.
  func put(_ objects: [NewObject], in area: ObjectArea) throws(StorageError)

  /// Begins a pack, whose name is not known yet.
  func upload(to area: ObjectArea) throws(StorageError) -> any ObjectUpload

  /// Gives objects other names, one after the other until one fails. After a power failure each is there
  /// under the old name, the new one, or both.
  func move(_ moves: [(from: ObjectKey, to: ObjectKey)]) throws(StorageError)

  /// Removes objects; those that are gone already are no error. Also makes durable that others have
  /// removed objects of the area.
  func remove(_ names: [String], from area: ObjectArea) throws(StorageError)

  /// Removes an object that nothing depends on: a power failure may bring it back.
  ///
  /// - Returns: false where there is none.
  func discard(_ key: ObjectKey) throws(StorageError) -> Bool

  /// Makes durable which names there are in an area that holds no packs. Whoever put, moved or removed one
  /// may not have come to that yet.
  func settle(_ area: ObjectArea) throws(StorageError)

  /// Makes durable which of these packs are there, as far as this process may do that.
  func settlePacks(_ packs: [ObjectKey]) throws(StorageError)

  // MARK: - Room

  /// Sets space aside and makes the areas that deleting needs, where that is possible: on a full medium,
  /// deleting takes a little space first.
  func fillReserve()

  /// Gives up one part of that space.
  ///
  /// - Parameter part: 0 for the first.
  /// - Returns: false where there are not so many parts.
  func giveUpReserve(_ part: Int) -> Bool
}

/// Locks, one an area. They bind only those who ask.
package protocol AreaLocks: Sendable {
  /// Waits until nobody else has locked the area, and locks it.
  func lock(_ area: ObjectArea) throws(StorageError) -> any StorageLock

  /// The same without waiting; nil where somebody else has locked the area.
  func tryLock(_ area: ObjectArea) throws(StorageError) -> (any StorageLock)?

  /// Keeps others from locking the area, and changes nothing; nil where nobody ever locked it, or this
  /// process may not.
  func lockForReading(_ area: ObjectArea) throws(StorageError) -> (any StorageLock)?

  /// Whether a lock keeps others out: some storages grant every lock to everybody. The caller has locked
  /// the area.
  func lockExcludesOthers(_ area: ObjectArea) throws(StorageError) -> Bool
}

/// The list of those who use a repository. Its records are the objects of ``ObjectArea/sessions``.
package protocol StorageSessions: Sendable {
  /// Enters a record into the list under a name that nobody ever had. Others see it whole, and as one
  /// that lives, until the session ends.
  func beginSession(_ record: [UInt8], name: String) throws(StorageError) -> any StorageSession

  /// The sessions that live, finished or not.
  func liveSessions() throws(StorageError) -> [ObjectKey]

  /// What sessions left whose processes are gone.
  func abandonedSessions() throws(StorageError) -> [ObjectKey]

  /// Removes that, as far as this process may; all stays where locks keep nobody out.
  func removeAbandonedSessions() throws(StorageError)
}

extension ObjectStorage {
  /// Where an object is.
  package func place(of key: ObjectKey) -> String { joined(path(of: key)) }

  /// Where an area is.
  package func place(of area: ObjectArea) -> String { joined(path(of: area)) }

  private func joined(_ path: String) -> String {
    place.hasSuffix("/") ? place + path : "\(place)/\(path)"
  }

  /// Puts an object in one step, in place of one of that name.
  package func put(_ bytes: [UInt8], as key: ObjectKey) throws(StorageError) {
    _ = try put(bytes, as: key, if: .always, age: .zero)
  }

  /// Whether there is such an object.
  package func exists(_ key: ObjectKey) throws(StorageError) -> Bool {
    try sizeBytes(of: key) != nil
  }

  /// Everything in an area; nil where there is no such area.
  package func listIfThere(_ area: ObjectArea) throws(StorageError) -> [ListedObject]? {
    do throws(StorageError) {
      return try list(area)
    } catch  where error.code == .missingArea {
      return nil
    }
  }
}

extension StoredObject {
  /// `count` bytes at `offsetBytes`, fewer where the object ends before.
  package func bytes(count: Int, at offsetBytes: UInt64) throws(StorageError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let outcome: Result<Int, StorageError> = bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(StorageError) in try read(into: buffer, at: offsetBytes) }
    }
    bytes.removeLast(count - (try outcome.get()))
    return bytes
  }
}
