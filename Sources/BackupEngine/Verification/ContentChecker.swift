import ChunkFormat
import ChunkStore

/// Reads contents back and computes their ids again. One checker serves one thread.
final class ContentChecker {
  private let reader: RecordReader

  /// - Parameter notes: told of every copy that is damaged, also where another one is right.
  init(repository: Repository, notes: DamageNotes? = nil) throws(StoreError) {
    reader = try RecordReader(store: repository.records, provingWith: repository.keys?.idKey)
    if let notes {
      reader.onDamage = { notes.note($0, $1) }
    }
  }

  /// The content of a record, whose id is what it should be.
  ///
  /// - Throws: ``StoreError``: `.damaged` or `.notFound`; another where that cannot be told.
  func check(
    _ id: ContentID, type: RecordType, plainBytes: Int?
  ) throws(StoreError) -> [UInt8] {
    try reader.read(id, type: type, plainBytes: plainBytes)
  }
}
