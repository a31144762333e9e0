package import ChunkFormat
package import ChunkStore
import VolumeMap
import Workers

/// Reads content back and recomputes its id. One checker serves one thread.
final class ContentChecker {
  private let reader: RecordReader

  /// Creates a checker for the records of `repository`.
  ///
  /// - Parameter notes: receives every damaged copy, even if another copy is intact.
  init(repository: Repository, notes: DamageNotes? = nil) throws(StoreError) {
    reader = try RecordReader(store: repository.records, provingWith: repository.keys?.idKey)
    if let notes {
      reader.onDamage = { notes.note($0, $1) }
    }
  }

  /// Returns the content of the record `id`, after its id was recomputed and found to be right.
  ///
  /// - Throws: ``StoreError`` with `.damaged` or `.notFound`. With another code, the record may be
  ///   intact.
  func check(
    _ id: ContentID, type: RecordType, plainBytes: Int?
  ) throws(StoreError) -> [UInt8] {
    try reader.read(id, type: type, plainBytes: plainBytes)
  }
}

/// Reads map nodes and recomputes their ids. Other readers trust the checksums.
package final class VerifyingNodes: NodeReading {
  private let repository: Repository
  /// Receives every damaged copy of a node.
  private let notes: DamageNotes
  private let checkers = ObjectPool<ContentChecker>()

  package init(repository: Repository, notes: DamageNotes) {
    self.repository = repository
    self.notes = notes
  }

  package func readNode(_ id: ContentID) throws -> MapNode {
    try checkers.withObject(orNew: try ContentChecker(repository: repository, notes: notes)) {
      try MapNode(encoded: $0.check(id, type: .mapNode, plainBytes: nil))
    }
  }
}
