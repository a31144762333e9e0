package import ChunkFormat
import ObjectStorage
import Synchronization

/// A pack that can be read: its object, opened when first needed, and what opens its seals.
package final class Pack: Sendable {
  package let id: PackID
  package let kind: PackKind
  package let lengthBytes: UInt64
  package let seal: PackSeal
  private let open: @Sendable () throws(StorageError) -> any StoredObject
  private let object: Mutex<(any StoredObject)?>
  private let openPacks: OpenPacks?

  /// - Parameters:
  ///   - object: where it is open already; the pack closes it.
  ///   - openPacks: told when the pack opens its object; nil where few are open.
  init(
    id: PackID, kind: PackKind, lengthBytes: UInt64, seal: PackSeal,
    object: (any StoredObject)? = nil, openPacks: OpenPacks? = nil,
    open: @escaping @Sendable () throws(StorageError) -> any StoredObject
  ) {
    self.object = Mutex(object)
    self.openPacks = openPacks
    self.id = id
    self.kind = kind
    self.lengthBytes = lengthBytes
    self.seal = seal
    self.open = open
  }

  /// Fills `buffer` with the pack's bytes from `offsetBytes` on.
  ///
  /// - Throws: ``StoreError``: `.damaged` where the pack ends before, or the device has lost the bytes;
  ///   `.notFound`, `.fileSystem` where it cannot be read for another reason; all name the pack.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(StoreError) {
    let count: Int
    do throws(StorageError) {
      count = try readOpened(into: buffer, at: offsetBytes)
    } catch {
      let code: StoreError.Code =
        switch error.code {
        case .notFound: .notFound
        case .unreadable: .damaged
        default: .fileSystem
        }
      throw StoreError(code, "pack \(id): \(error)", pack: id, cause: error)
    }
    guard count == buffer.count else {
      throw StoreError(
        .damaged,
        "pack \(id): expected \(buffer.count) bytes at offset \(offsetBytes), found \(count)",
        pack: id)
    }
  }

  private func readOpened(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(StorageError) -> Int {
    do throws(StorageError) {
      return try openedObject().read(into: buffer, at: offsetBytes)
    } catch  where error.code == .closed {
      // Closed in between, since it was deleted.
      return try openedObject().read(into: buffer, at: offsetBytes)
    }
  }

  /// Closes the object where it was deleted, which frees its space. Who reads from the pack afterwards
  /// finds it gone, and looks for its records elsewhere.
  ///
  /// - Returns: whether it was deleted.
  func closeIfDeleted() -> Bool {
    object.withLock { object in
      guard let open = object, open.isRemoved() else { return false }
      open.close()
      object = nil
      return true
    }
  }

  /// Asks the system to read the pack from storage next time.
  func forgetCached() {
    try? openedObject().forgetCached()
  }

  /// Closes the object until it is wanted again.
  func close() {
    object.withLock { object in
      object?.close()
      object = nil
    }
  }

  private func openedObject() throws(StorageError) -> any StoredObject {
    let (opened, isNew) = try object.withLock { object throws(StorageError) in
      if let object { return (object, false) }
      let opened = try open()
      object = opened
      return (opened, true)
    }
    if isNew { openPacks?.note(self) }
    return opened
  }
}

/// A copy of a record: in which pack it is, and where.
package struct RecordLocation: Sendable {
  package let pack: Pack
  package let entry: PackEntry

  /// What errors call it: `pack 77d0…, offset 64, chunk 1f3a…`.
  var name: String { "pack \(pack.id), offset \(entry.offsetBytes), \(entry.type) \(entry.id)" }
}
