package import ChunkFormat
package import ChunkStore
import Synchronization

extension Pack: PackReading {}

/// The records of a repository, for readers.
package final class StoreRecords: RecordSource {
  private let store: RecordStore
  /// Readers that wait to be used again: as many as have ever been in use at once.
  private let idle = Mutex<[IdleReader]>([])

  package init(_ store: RecordStore) { self.store = store }

  package func locations(of ids: [ContentID]) throws -> [PackedRecord?] {
    try store.locate(ids).map { location in
      location.map { PackedRecord(pack: $0.pack, entry: $0.entry) }
    }
  }

  package func content(
    of id: ContentID, type: RecordType, plainBytes: Int?
  ) throws -> [UInt8] {
    let reader =
      if let waiting = idle.withLock({ $0.popLast() }) { waiting } else {
        IdleReader(try RecordReader(store: store))
      }
    defer { idle.withLock { $0.append(reader) } }
    return try reader.reader.read(id, type: type, plainBytes: plainBytes)
  }

  /// Handed from thread to thread, used by one at a time.
  private struct IdleReader: @unchecked Sendable {
    let reader: RecordReader

    init(_ reader: RecordReader) { self.reader = reader }
  }
}
