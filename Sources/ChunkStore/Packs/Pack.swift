package import ChunkFormat
import FileIO
import Synchronization

/// A pack that can be read: its file, opened when first needed, and what opens its seals.
package final class Pack: Sendable {
  package let id: PackID
  package let kind: PackKind
  package let lengthBytes: UInt64
  package let seal: PackSeal
  private let open: @Sendable () throws(FileError) -> any OpenFile
  private let file: Mutex<(any OpenFile)?>
  private let openPacks: OpenPacks?

  /// - Parameters:
  ///   - file: where it is open already; the pack closes it.
  ///   - openPacks: told of a file that the pack opens; nil where few are open.
  init(
    id: PackID, kind: PackKind, lengthBytes: UInt64, seal: PackSeal, file: (any OpenFile)? = nil,
    openPacks: OpenPacks? = nil, open: @escaping @Sendable () throws(FileError) -> any OpenFile
  ) {
    self.file = Mutex(file)
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
    do throws(FileError) {
      count = try readOpened(into: buffer, at: offsetBytes)
    } catch {
      let code: StoreError.Code =
        switch error.code {
        case .notFound: .notFound
        case .inputOutput: .damaged
        default: .fileSystem
        }
      throw StoreError(code, "pack \(id): \(error)", pack: id)
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
  ) throws(FileError) -> Int {
    do throws(FileError) {
      return try openedFile().read(into: buffer, at: offsetBytes)
    } catch  where error.isOfClosedFile {
      // Closed in between, since it was deleted.
      return try openedFile().read(into: buffer, at: offsetBytes)
    }
  }

  /// Closes the file where it was deleted, which frees its space. Who reads from the pack afterwards
  /// finds it gone, and looks for its records elsewhere.
  ///
  /// - Returns: whether it was deleted.
  func closeIfDeleted() -> Bool {
    file.withLock { file in
      guard let open = file, open.isUnlinked() else { return false }
      open.close()
      file = nil
      return true
    }
  }

  /// Asks the system to read the pack from storage next time.
  func forgetCached() {
    try? openedFile().forgetCached()
  }

  /// Closes the file until it is wanted again.
  func close() {
    file.withLock { file in
      file?.close()
      file = nil
    }
  }

  private func openedFile() throws(FileError) -> any OpenFile {
    let (opened, isNew) = try file.withLock { file throws(FileError) in
      if let file { return (file, false) }
      let opened = try open()
      file = opened
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
