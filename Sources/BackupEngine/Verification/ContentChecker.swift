import ChunkFormat
import ChunkStore

/// Reads contents back and computes their ids again. One checker serves one thread.
final class ContentChecker {
  private let reader: RecordReader

  /// - Parameter notes: receives every damaged copy, even if another one is intact.
  init(repository: Repository, notes: DamageNotes? = nil) throws(StoreError) {
    reader = try RecordReader(store: repository.records, provingWith: repository.keys?.idKey)
    if let notes {
      reader.onDamage = { notes.note($0, $1) }
    }
  }

  /// The content of a record. Its id has been checked.
  ///
  /// - Throws: ``StoreError``: `.damaged` or `.notFound`; another code if neither is certain.
  func check(
    _ id: ContentID, type: RecordType, plainBytes: Int?
  ) throws(StoreError) -> [UInt8] {
    try reader.read(id, type: type, plainBytes: plainBytes)
  }
}
