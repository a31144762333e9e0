package import ChunkFormat
package import ChunkStore
import Workers

extension Pack: PackReading {}

/// Gives readers access to the records of a repository.
package final class StoreRecords: RecordSource {
  private let store: RecordStore
  private let readers = ObjectPool<RecordReader>()

  package init(_ store: RecordStore) { self.store = store }

  package func locations(of ids: [ContentID]) throws -> [PackedRecord?] {
    try store.locate(ids).map { location in
      location.map { PackedRecord(pack: $0.pack, entry: $0.entry) }
    }
  }

  package func content(
    of id: ContentID, type: RecordType, plainBytes: Int?
  ) throws -> [UInt8] {
    try readers.withObject(orNew: try RecordReader(store: store)) {
      try $0.read(id, type: type, plainBytes: plainBytes)
    }
  }
}
