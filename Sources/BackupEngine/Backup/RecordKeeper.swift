import ChunkFormat
import ChunkStore

/// The result for content that was read.
enum KeptRecord: Sendable {
  /// The store has the content, or will have it shortly.
  case known(ContentID)
  /// A record to store. It is a replacement if the copy in the store is damaged.
  case new(PreparedRecord, isReplacement: Bool)

  var id: ContentID {
    switch self {
    case .known(let id): id
    case .new(let record, _): record.id
    }
  }
}

/// Hashes content, looks it up, and compresses what the store lacks. One keeper serves one thread.
///
/// After a revision was distrusted, the index is not enough proof: the keeper reads stored content
/// back, and stores it again if it is damaged.
final class RecordKeeper {
  /// How to prove that the store has the content.
  enum Proof: Sendable {
    case index
    /// Reads the content back and notes damaged copies.
    case reading(DamageNotes)
  }

  /// How to store content that the store needs.
  struct Need {
    /// The content that it may be a delta of. Nil if it must not be a delta.
    var base: DeltaBase?
    /// Whether the store has a damaged copy.
    var isReplacement = false
  }

  /// A delta is used if it takes at most this fraction of the content stored without a base: one
  /// half.
  private static let keptShare = 2
  /// A delta that is this much smaller than its base is used without compressing the content alone
  /// for comparison.
  private static let obviousShare = 8
  /// A delta is tried if at least one eighth of the samples is unchanged.
  private static let sampleShare = 8

  private let writer: RecordWriter
  private let usesDeltas: Bool
  private let hasher: ContentHasher
  private let compressor: Compressor
  /// Reads the bases of deltas.
  private let reader: RecordReader
  /// Nil if the index is enough proof.
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

  /// Looks the content up in the index, once.
  ///
  /// - Parameter previous: the record at the same offset in the parent revision.
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

  /// Returns the record of `plaintext`, as a delta of `base` if that saves enough space.
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

  /// Returns the content of a base, and its size in the pack. An unreadable base is not used. Its
  /// damage is reported when its content is needed.
  private func readable(
    _ base: DeltaBase, type: RecordType
  ) -> (content: [UInt8], storedBytes: Int)? {
    for copy in base.copies where copy.entry.type == type {
      if let content = try? reader.read(copy) { return (content, Int(copy.entry.storedBytes)) }
    }
    return nil
  }

  /// Whether enough samples at equal offsets are the same. Content that changed completely is not
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
