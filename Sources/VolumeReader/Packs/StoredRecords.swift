package import ChunkFormat
package import ChunkStore
import Synchronization

extension Pack: PackReading {}

/// The records of a repository, as reading needs them.
package final class StoredRecords: RecordSource {
  private let store: RecordStore
  /// Readers that wait to be used again.
  private let idle = Mutex<[Reader]>([])

  package init(_ store: RecordStore) { self.store = store }

  package func locations(of ids: [ContentID]) throws -> [RecordLocation?] {
    try store.locate(ids).map { location -> RecordLocation? in
      location.map { RecordLocation(pack: $0.pack, entry: $0.entry) }
    }
  }

  package func content(
    of id: ContentID, type: RecordType, plainBytes: Int?
  ) throws -> [UInt8] {
    let reader = try idle.withLock { $0.popLast() } ?? Reader(value: RecordReader(store: store))
    defer { idle.withLock { $0.append(reader) } }
    return try reader.value.read(id, type: type, plainBytes: plainBytes)
  }

  /// Handed from thread to thread, never shared.
  private struct Reader: @unchecked Sendable {
    let value: RecordReader
  }
}
