package import ChunkFormat
package import ChunkStore

extension Pack: PackReading {}

/// The records of a repository as reading needs them.
package struct StoredRecords: RecordSource {
  private let store: RecordStore

  package init(_ store: RecordStore) { self.store = store }

  package func locations(of ids: [ContentID]) throws -> [RecordLocation?] {
    try store.locate(ids).map { location -> RecordLocation? in
      location.map { RecordLocation(pack: $0.pack, entry: $0.entry) }
    }
  }

  package func content(
    of id: ContentID, type: RecordType, plainBytes: Int?
  ) throws -> [UInt8] {
    try RecordReader(store: store).read(id, type: type, plainBytes: plainBytes)
  }
}
