package import ChunkFormat
import ObjectStorage
import Remedies

/// A condemnation as it lies in the repository.
package struct StoredCondemnation: Sendable {
  /// Random; the object's name.
  package let name: String
  package var condemnation: Condemnation
}

/// The objects that say which packs are about to be deleted.
package struct CondemnationObjects: Sendable {
  let objects: SmallObjects

  /// All condemnations.
  ///
  /// - Throws: ``StoreError``, also where one cannot be read: its packs are not known then.
  package func list() throws(StoreError) -> [StoredCondemnation] {
    var found: [StoredCondemnation] = []
    for name in try names() {
      do throws(StoreError) {
        found.append(StoredCondemnation(name: name, condemnation: try read(name)))
      } catch  where error.code == .notFound {
        // Carried out since the names were listed.
        continue
      } catch  where error.code == .damaged {
        throw StoreError(
          .damaged, error.message, cause: error, remedy: .removeCondemnation)
      }
    }
    return found
  }

  /// Removes condemnations that are damaged; returns how many.
  package func removeDamaged() throws(StoreError) -> Int {
    var removed = 0
    for name in try names() {
      do throws(StoreError) {
        _ = try read(name)
      } catch  where error.code == .damaged {
        try remove(name)
        removed += 1
      }
    }
    return removed
  }

  private func names() throws(StoreError) -> [String] {
    try reportingStorageErrors { () throws(StorageError) in
      // Nothing is there where no garbage was ever collected.
      try objects.storage.listIfThere(.condemned)?
        .filter { $0.kind == .object }.map(\.key.name) ?? []
    }
  }

  /// Writes a condemnation down. When this returns, every session that begins heeds it, and it
  /// survives a power failure.
  package func add(_ condemnation: Condemnation) throws(StoreError) -> StoredCondemnation {
    let name = try reportingFormatErrors(of: "condemnation", Randomness.name)
    let stored = StoredCondemnation(name: name, condemnation: condemnation)
    try write(stored)
    return stored
  }

  /// Puts the condemnation in the place of the one of its name.
  package func write(_ stored: StoredCondemnation) throws(StoreError) {
    try objects.write(stored.condemnation, to: key(stored.name), as: "condemnation")
  }

  /// Removes a condemnation whose packs are gone or pardoned.
  package func remove(_ name: String) throws(StoreError) {
    _ = try reportingStorageErrors { () throws(StorageError) in
      try objects.storage.remove(key(name))
    }
  }

  private func read(_ name: String) throws(StoreError) -> Condemnation {
    try objects.read(
      key(name), as: "condemnation \(objects.storage.place(of: key(name)))",
      gone: "condemnation \(name) was carried out")
  }

  private func key(_ name: String) -> ObjectKey { ObjectKey(.condemned, name) }
}

extension Condemnation {
  /// All packs with their kinds.
  package var packs: [(id: PackID, kind: PackKind)] {
    dataPacks.map { ($0, .data) } + mapPacks.map { ($0, .map) }
  }
}
