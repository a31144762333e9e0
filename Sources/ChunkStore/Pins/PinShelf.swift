package import ChunkFormat
import FileIO
import SystemPackage

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

/// The files of pins.
struct PinShelf: Sendable {
  let layout: RepositoryLayout
  let fileSystem: any FileSystem
  let repository: RepositoryID
  let keys: RepositoryKeys?

  /// All pins. Anything that has the name of a pin counts as one, whatever it is.
  func list() throws(StoreError) -> PinListing {
    var pins: [StoredPin] = []
    var unreadable: [(name: PinName, error: StoreError)] = []
    let entries = try reportingFileErrors { () throws(FileError) in
      // Nothing is there where nothing was ever pinned.
      try fileSystem.listIfThere(layout.pins) ?? []
    }
    for name in entries.compactMap({ PinName($0.name) }) {
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
    let path = layout.pin(name)
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try fileSystem.readAll(path, limitBytes: Pin.maximumFileBytes)
    } catch {
      throw error.code == .notFound
        ? StoreError(.notFound, "there is no pin \(name)") : StoreError(error)
    }
    return try reportingFormatErrors(of: "pin \(path)") { () throws(FormatError) in
      try Pin(encoded: bytes, repository: repository, keys: keys)
    }
  }

  /// Writes a pin down, in place of one of its name. When this returns, it survives a power failure.
  func write(_ bytes: [UInt8], as name: PinName) throws(FileError) {
    try fileSystem.createDirectories(
      layout.pins, permissions: RepositoryLayout.directoryPermissions)
    try fileSystem.writeDurably(
      bytes, to: layout.pin(name), permissions: RepositoryLayout.filePermissions)
  }

  func encoded(_ pin: Pin) throws(StoreError) -> [UInt8] {
    try reportingFormatErrors(of: "pin") { () throws(FormatError) in
      try pin.encoded(repository: repository, keys: keys)
    }
  }

  /// Removes a pin.
  ///
  /// - Returns: false where there is none.
  func remove(_ name: PinName) throws(StoreError) -> Bool {
    try reportingFileErrors { () throws(FileError) in
      do throws(FileError) {
        try fileSystem.remove(layout.pin(name))
      } catch  where error.code == .notFound {
        return false
      }
      try fileSystem.synchronizeDirectory(layout.pins)
      return true
    }
  }
}
