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

  private let writer: RecordWriter
  private let preparer: RecordPreparer
  private let usesDeltas: Bool
  /// Nil where the index's word is taken.
  private let checker: ContentChecker?

  init(
    repository: Repository, writer: RecordWriter, usesDeltas: Bool, proof: Proof
  ) throws {
    self.writer = writer
    self.usesDeltas = usesDeltas
    preparer = try RecordPreparer(repository: repository)
    checker =
      switch proof {
      case .index: nil
      case .reading(let notes): try ContentChecker(repository: repository, notes: notes)
      }
  }

  /// Hashes the content, looks it up once, and prepares what the store lacks.
  ///
  /// - Parameter previous: the record at the same place of the parent revision.
  func keep(
    _ plaintext: UnsafeRawBufferPointer, type: RecordType, previous: ContentID?
  ) throws -> KeptRecord {
    let id = try preparer.id(of: plaintext, type: type)
    switch try writer.standing(of: id, after: usesDeltas ? previous : nil) {
    case .pending:
      return .known(id)
    case .stored:
      if try isIntact(id, type: type, plainBytes: plaintext.count) { return .known(id) }
      let record = try preparer.prepare(plaintext, id: id, type: type, base: nil)
      return .new(record, isReplacement: true)
    case .unreliable:
      let record = try preparer.prepare(plaintext, id: id, type: type, base: nil)
      return .new(record, isReplacement: false)
    case .new(let base):
      let record = try preparer.prepare(plaintext, id: id, type: type, base: base)
      return .new(record, isReplacement: false)
    }
  }

  private func isIntact(_ id: ContentID, type: RecordType, plainBytes: Int) throws -> Bool {
    guard let checker else { return true }
    do throws(StoreError) {
      _ = try checker.check(id, type: type, plainBytes: plainBytes)
      return true
    } catch {
      guard [.damaged, .notFound, .fileSystem].contains(error.code) else { throw error }
      return false
    }
  }
}
