import ChunkFormat
import ChunkStore

/// Turns plaintext into records: hashes, and compresses alone or as a delta. One preparer serves one
/// thread.
final class RecordPreparer {
  /// A delta is kept where it takes at most this share of the content stored alone.
  private static let keptShare = 2
  /// A delta this small beside its base is kept without compressing the content alone to compare.
  private static let obviousShare = 8
  /// A delta is tried where at least one of this many samples is unchanged.
  private static let sampleShare = 8

  private let hasher: ContentHasher
  private let compressor: Compressor
  private let store: RecordStore
  private let reader: RecordReader
  /// Tells what may be relied on.
  private let writer: RecordWriter
  private let usesDeltas: Bool

  init(repository: Repository, writer: RecordWriter, usesDeltas: Bool) throws {
    hasher = try ContentHasher(idKey: repository.keys?.idKey)
    compressor = try Compressor(method: repository.configuration.compression)
    store = repository.records
    reader = try RecordReader(store: repository.records)
    self.writer = writer
    self.usesDeltas = usesDeltas
  }

  func id(of plaintext: UnsafeRawBufferPointer, type: RecordType) throws -> ContentID {
    try hasher.id(of: plaintext, type: type)
  }

  /// The record of `plaintext`, as a delta where that is worthwhile.
  ///
  /// - Parameter previous: the record at the same place of the parent revision.
  func prepare(
    _ plaintext: UnsafeRawBufferPointer, id: ContentID, type: RecordType, previous: ContentID?
  ) throws -> PreparedRecord {
    if let delta = try delta(plaintext, id: id, type: type, previous: previous) {
      return delta
    }
    return try PreparedRecord(
      standalone: plaintext, id: id, type: type, compressor: compressor)
  }

  private func delta(
    _ plaintext: UnsafeRawBufferPointer, id: ContentID, type: RecordType, previous: ContentID?
  ) throws -> PreparedRecord? {
    guard usesDeltas, let previous, !previous.isHole,
      let base = try base(for: previous, type: type),
      // What is stored again because it is damaged must not lean on itself.
      base.id != id,
      // Nor on what is about to be deleted.
      try writer.contains(base.id),
      // What cannot be read is no base; that it cannot be read shows where it is needed.
      let content = try? reader.read(base.id, type: type)
    else { return nil }
    return try content.withUnsafeBytes { content in
      guard Self.resemble(plaintext, content),
        let delta = try PreparedRecord(
          deltaOf: plaintext, id: id, type: type, base: base.id, baseContent: content,
          compressor: compressor)
      else { return nil }
      if delta.payloadBytes <= base.storedBytes / Self.obviousShare { return delta }
      let alone = try PreparedRecord(
        standalone: plaintext, id: id, type: type, compressor: compressor)
      return delta.payloadBytes <= alone.payloadBytes / Self.keptShare ? delta : alone
    }
  }

  /// The record that a successor of `previous` is a delta of: itself, or its own base, since a base
  /// is never a delta.
  private func base(
    for previous: ContentID, type: RecordType
  ) throws -> (id: ContentID, storedBytes: Int)? {
    guard let location = try store.locate(CollectionOfOne(previous))[0] else { return nil }
    guard let base = location.entry.base else {
      return (previous, Int(location.entry.storedBytes))
    }
    guard let stored = try store.locate(CollectionOfOne(base))[0], stored.entry.base == nil
    else { return nil }
    return (base, Int(stored.entry.storedBytes))
  }

  /// Whether some of the words at the same places are equal; content that was replaced as a whole
  /// is not worth a second compression.
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
