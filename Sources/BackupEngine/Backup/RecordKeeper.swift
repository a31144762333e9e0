import ChunkFormat
import ChunkStore

/// What becomes of a content that was read.
enum KeptRecord: Sendable {
  /// The store has it, or will have it shortly.
  case known(ContentID)
  /// To be stored; a replacement if the copy in the store is damaged.
  case new(PreparedRecord, isReplacement: Bool)

  var id: ContentID {
    switch self {
    case .known(let id): id
    case .new(let record, _): record.id
    }
  }
}

/// Hashes contents, looks them up, and compresses those that the store lacks. One keeper serves one
/// thread.
///
/// After a distrusted revision the index is not proof enough: content that the store has is read
/// back, and stored again if it is damaged.
final class RecordKeeper {
  /// What proves that the store has a content.
  enum Proof: Sendable {
    case index
    /// Reading it back; damaged copies are noted.
    case reading(DamageNotes)
  }

  /// What a content needs that is to be stored.
  struct Need {
    /// What it may be a delta of; nil if it must not be one.
    var base: DeltaBase?
    /// Whether the store has a copy, which is damaged.
    var isReplacement = false
  }

  /// A delta is kept if it takes at most one part in this many of the content stored alone.
  private static let keptShare = 2
  /// A delta this small beside its base is kept without compressing the content alone to compare.
  private static let obviousShare = 8
  /// A delta is tried if at least one of this many samples is unchanged.
  private static let sampleShare = 8

  private let writer: RecordWriter
  private let usesDeltas: Bool
  private let hasher: ContentHasher
  private let compressor: Compressor
  /// Reads the bases of deltas.
  private let reader: RecordReader
  /// Nil if the index is proof enough.
  private let checker: ContentChecker?

  init(
    repository: Repository, writer: RecordWriter, usesDeltas: Bool, proof: Proof
  ) throws {
    self.writer = writer
    self.usesDeltas = usesDeltas
    hasher = try ContentHasher(idKey: repository.keys?.idKey)
    compressor = try Compressor(method: repository.configuration.compression)
    reader = try RecordReader(store: repository.records)
    checker =
      switch proof {
      case .index: nil
      case .reading(let notes): try ContentChecker(repository: repository, notes: notes)
      }
  }

  // MARK: - Hash

  func hash(_ plaintext: UnsafeRawBufferPointer, type: RecordType) throws -> ContentID {
    try hasher.id(of: plaintext, type: type)
  }

  // MARK: - Look up

  /// Asks the index once.
  ///
  /// - Parameter previous: the record at the same place of the parent revision.
  /// - Returns: nil if the store has the content.
  func lookUp(
    _ id: ContentID, type: RecordType, plainBytes: Int, after previous: ContentID?
  ) throws -> Need? {
    switch try writer.standing(of: id, after: usesDeltas ? previous : nil) {
    case .pending: nil
    case .stored:
      try isIntact(id, type: type, plainBytes: plainBytes) ? nil : Need(isReplacement: true)
    case .unreliable: Need()
    case .new(let base): Need(base: base)
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

  // MARK: - Compress

  /// The record of `plaintext`, as a delta of `base` if that saves enough.
  func compress(
    _ plaintext: UnsafeRawBufferPointer, id: ContentID, type: RecordType, base: DeltaBase?
  ) throws -> PreparedRecord {
    if let base, let delta = try delta(plaintext, id: id, type: type, base: base) {
      return delta
    }
    return try PreparedRecord(
      standalone: plaintext, id: id, type: type, compressor: compressor)
  }

  private func delta(
    _ plaintext: UnsafeRawBufferPointer, id: ContentID, type: RecordType, base: DeltaBase
  ) throws -> PreparedRecord? {
    guard let (content, storedBytes) = readable(base, type: type) else { return nil }
    return try content.withUnsafeBytes { content in
      guard Self.resemble(plaintext, content),
        let delta = try PreparedRecord(
          deltaOf: plaintext, id: id, type: type, base: base.id, baseContent: content,
          compressor: compressor)
      else { return nil }
      if delta.payloadBytes <= storedBytes / Self.obviousShare { return delta }
      let alone = try PreparedRecord(
        standalone: plaintext, id: id, type: type, compressor: compressor)
      return delta.payloadBytes <= alone.payloadBytes / Self.keptShare ? delta : alone
    }
  }

  /// The content of a base, and what it takes in its pack. A base that cannot be read is not used;
  /// its damage shows when its content is needed.
  private func readable(
    _ base: DeltaBase, type: RecordType
  ) -> (content: [UInt8], storedBytes: Int)? {
    for copy in base.copies where copy.entry.type == type {
      if let content = try? reader.read(copy) { return (content, Int(copy.entry.storedBytes)) }
    }
    return nil
  }

  /// Whether some of the words at the same places are equal. Content that changed completely is not
  /// worth a second compression.
  private static func resemble(
    _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
  ) -> Bool {
    let length = min(left.count, right.count)
    let samples = 128
    guard length >= samples * 8 else { return true }
    let stride = length / samples
    var equal = 0
    for sample in 0..<samples {
      let offset = sample * stride
      let isEqual =
        left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        == right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      equal += isEqual ? 1 : 0
    }
    return equal * sampleShare >= samples
  }
}
