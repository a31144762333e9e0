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
  private let reader: RecordReader

  init(repository: Repository) throws {
    hasher = try ContentHasher(idKey: repository.keys?.idKey)
    compressor = try Compressor(method: repository.configuration.compression)
    reader = try RecordReader(store: repository.records)
  }

  func id(of plaintext: UnsafeRawBufferPointer, type: RecordType) throws -> ContentID {
    try hasher.id(of: plaintext, type: type)
  }

  /// The record of `plaintext`, as a delta where that is worthwhile.
  ///
  /// - Parameter base: what it may be a delta of; nil where it must not be one.
  func prepare(
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

  /// The content of a base, and what it takes in its pack. A base that cannot be read is none; the
  /// damage shows where the content is needed.
  private func readable(
    _ base: DeltaBase, type: RecordType
  ) -> (content: [UInt8], storedBytes: Int)? {
    for copy in base.copies where copy.entry.type == type {
      if let content = try? reader.read(copy) { return (content, Int(copy.entry.storedBytes)) }
    }
    return nil
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
