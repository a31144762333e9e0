import ChunkFormat
import ChunkStore

/// What becomes of a content that was read.
enum KeptRecord: Sendable {
  /// The store has it, or will have it shortly.
  case known(ContentID)
  /// To be appended; a replacement where the copy that the store has is damaged.
  case new(PreparedRecord, isReplacement: Bool)

  var id: ContentID {
    switch self {
    case .known(let id): id
    case .new(let record, _): record.id
    }
  }
}

/// Decides whether a content needs storing, and prepares what does. One keeper serves one thread.
///
/// After a revision that is distrusted, it does not take the index's word: what the store is said to
/// have is read back, and stored again where it is damaged.
final class RecordKeeper {
  /// What is proof enough that the store has something.
  enum Proof: Sendable {
    case index
    /// That it is read back; damaged copies are noted.
    case reading(DamageNotes)
  }

  private let records: RecordStore
  private let writer: RecordWriter
  private let preparer: RecordPreparer
  /// Nil where the index's word is taken.
  private let checker: ContentChecker?

  init(
    repository: Repository, writer: RecordWriter, usesDeltas: Bool, proof: Proof
  ) throws {
    records = repository.records
    self.writer = writer
    preparer = try RecordPreparer(
      repository: repository, writer: writer, usesDeltas: usesDeltas)
    checker =
      switch proof {
      case .index: nil
      case .reading(let notes): try ContentChecker(repository: repository, notes: notes)
      }
  }

  /// - Parameter previous: the record at the same place of the parent revision; asked for only where
  ///   the content is new.
  func keep(
    _ plaintext: UnsafeRawBufferPointer, type: RecordType, previous: () -> ContentID?
  ) throws -> KeptRecord {
    let id = try preparer.id(of: plaintext, type: type)
    let isKnown = try writer.contains(id)
    if isKnown, try isIntact(id, type: type, plainBytes: plaintext.count) { return .known(id) }
    // What is stored again may be the base of others, and a base is no delta.
    let isStoredAgain = try records.lists(id)
    let record = try preparer.prepare(
      plaintext, id: id, type: type, previous: isStoredAgain ? nil : previous())
    return .new(record, isReplacement: isKnown)
  }

  private func isIntact(_ id: ContentID, type: RecordType, plainBytes: Int) throws -> Bool {
    guard let checker, !writer.isPending(id) else { return true }
    do throws(StoreError) {
      _ = try checker.check(id, type: type, plainBytes: plainBytes)
      return true
    } catch {
      guard [.damaged, .notFound, .fileSystem].contains(error.code) else { throw error }
      return false
    }
  }
}
