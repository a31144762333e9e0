import ChunkFormat
import ChunkStore

/// Reads contents back and computes their ids again. One checker serves one thread.
final class ContentChecker {
  private let reader: RecordReader
  private let hasher: ContentHasher

  init(repository: Repository) throws {
    reader = try RecordReader(store: repository.records)
    hasher = try ContentHasher(idKey: repository.keys?.idKey)
  }

  /// The content of a record, whose id is what it should be.
  ///
  /// - Throws: ``StoreError``: `.damaged` or `.notFound`.
  func check(
    _ id: ContentID, type: RecordType, plainBytes: Int?
  ) throws(StoreError) -> [UInt8] {
    let content = try reader.read(id, type: type, plainBytes: plainBytes)
    let found: ContentID
    do {
      found = try content.withUnsafeBytes { try hasher.id(of: $0, type: type) }
    } catch {
      throw StoreError(.fileSystem, "cannot compute an id: \(error)")
    }
    guard found == id else {
      throw StoreError(.damaged, "expected content with the id \(id), found \(found)")
    }
    return content
  }
}
