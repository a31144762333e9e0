import ChunkFormat
import ChunkStore

/// Makes new records from copies. Serves one thread.
struct RecordResealer {
  private let reader: RecordReader
  private let compressor: Compressor

  init(repository: Repository) throws {
    reader = try RecordReader(store: repository.records, provingWith: repository.keys?.idKey)
    compressor = try Compressor(method: repository.configuration.compression)
  }

  /// Whether the copy can be read.
  func reads(_ copy: RecordLocation) throws -> Bool {
    do throws(StoreError) {
      _ = try reader.read(copy)
      return true
    } catch  where error.isDamage {
      return false
    }
  }

  /// The record at `copy` as it is; a delta stays one.
  func prepare(_ copy: RecordLocation) throws -> PreparedRecord {
    try reader.extract(copy).record
  }

  /// A record of `content` that is no delta.
  func prepare(_ content: [UInt8], _ id: ContentID, _ type: RecordType) throws -> PreparedRecord {
    try content.withUnsafeBytes {
      try PreparedRecord(standalone: $0, id: id, type: type, compressor: compressor)
    }
  }
}
