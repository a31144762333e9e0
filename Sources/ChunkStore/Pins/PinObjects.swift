package import ChunkFormat
import ObjectStorage

/// A pin as it lies in the repository.
package struct StoredPin: Sendable {
  package let name: PinName
  package let pin: Pin

  /// For people: `overlay repair on backup1 (pin 1f3a…)`.
  package var text: String { "\(pin.owner) on \(pin.host) (pin \(name))" }
}

/// What a look at the pins found.
package struct PinListing: Sendable {
  /// Oldest first.
  package let pins: [StoredPin]
  /// Pins that are there and cannot be read: which revisions they keep is not known.
  package let unreadable: [(name: PinName, error: StoreError)]
}

/// The objects of pins.
struct PinObjects: Sendable {
  let objects: SmallObjects

  /// All pins. Anything that has the name of a pin counts as one, whatever it is.
  func list() throws(StoreError) -> PinListing {
    var pins: [StoredPin] = []
    var unreadable: [(name: PinName, error: StoreError)] = []
    let entries = try reportingStorageErrors { () throws(StorageError) in
      // Nothing is there where nothing was ever pinned.
      try objects.storage.listIfThere(.pins) ?? []
    }
    for name in entries.compactMap({ PinName($0.key.name) }) {
      do throws(StoreError) {
        pins.append(StoredPin(name: name, pin: try read(name)))
      } catch  where error.code == .notFound {
        // Released since the names were listed.
        continue
      } catch {
        unreadable.append((name, error))
      }
    }
    pins.sort { ($0.pin.created, $0.name) < ($1.pin.created, $1.name) }
    return PinListing(pins: pins, unreadable: unreadable)
  }

  /// - Throws: ``StoreError``: `.notFound` where there is no such pin.
  func read(_ name: PinName) throws(StoreError) -> Pin {
    try objects.read(
      name.key, as: "pin \(objects.storage.place(of: name.key))", gone: "there is no pin \(name)")
  }

  /// Removes a pin.
  ///
  /// - Returns: false where there is none.
  func remove(_ name: PinName) throws(StoreError) -> Bool {
    try reportingStorageErrors { () throws(StorageError) in
      try objects.storage.remove(name.key)
    }
  }
}

extension PinName {
  var key: ObjectKey { ObjectKey(.pins, description) }
}
