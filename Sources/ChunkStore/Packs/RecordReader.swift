package import ChunkFormat
import FileIO

/// Reads single records, whatever it takes: another copy where one is damaged, the base of a delta,
/// a new look where packs have moved. One reader serves one thread.
package final class RecordReader {
  /// A delta's base is no delta by rule; this many are followed, so that a store whose only copy of a
  /// base is a delta stays readable, and a circle ends.
  private static let maximumDeltas = PackIndex.maximumDeltas

  private let store: RecordStore
  private let decoder: RecordDecoder
  /// Computes ids again; nil where checksums are enough.
  private let hasher: ContentHasher?
  /// Told of each copy that is damaged, also where another one is right. Not of a delta that only lacks
  /// its base.
  package var onDamage: ((RecordLocation, StoreError) -> Void)?

  /// A reader that trusts the checksums of contents.
  package init(store: RecordStore) throws(StoreError) {
    self.store = store
    hasher = nil
    decoder = try Self.makeDecoder()
  }

  /// A reader that computes the id of every content again.
  ///
  /// - Parameter idKey: of an encrypted repository.
  package init(store: RecordStore, provingWith idKey: SecretBytes?) throws(StoreError) {
    self.store = store
    hasher = try reportingFormatErrors(of: "record reader") { () throws(FormatError) in
      try ContentHasher(idKey: idKey)
    }
    decoder = try Self.makeDecoder()
  }

  private static func makeDecoder() throws(StoreError) -> RecordDecoder {
    try reportingFormatErrors(of: "record reader") { () throws(FormatError) in
      try RecordDecoder()
    }
  }

  /// The plaintext of a record.
  ///
  /// - Parameter plainBytes: its length where that is known.
  /// - Throws: ``StoreError``: `.notFound` where no pack has the record, `.damaged` where no copy can
  ///   be read; the message names pack and record.
  package func read(
    _ id: ContentID, type: RecordType, plainBytes: Int? = nil
  ) throws(StoreError) -> [UInt8] {
    try read(id, type: type, plainBytes: plainBytes, deltas: 0)
  }

  /// The plaintext of this very copy; any copy of its base.
  ///
  /// - Throws: ``StoreError``: `.damaged` or `.notFound`.
  package func read(_ copy: RecordLocation) throws(StoreError) -> [UInt8] {
    try content(of: copy, type: copy.entry.type, plainBytes: nil, deltas: 0)
  }

  /// The plaintext of the copy at `location`, whose record's bytes are `record`.
  ///
  /// - Parameters:
  ///   - base: the plaintext of the base where the record is a delta.
  ///   - output: as long as the plaintext.
  package func decode(
    _ record: UnsafeRawBufferPointer, at location: RecordLocation,
    base: UnsafeRawBufferPointer?, into output: UnsafeMutableRawBufferPointer
  ) throws(StoreError) {
    do throws(FormatError) {
      try decoder.decode(
        record, expecting: location.entry, seal: location.pack.seal, base: base, into: output)
    } catch {
      throw StoreError(error, in: location.name, pack: location.pack.id)
    }
  }

  private func read(
    _ id: ContentID, type: RecordType, plainBytes: Int?, deltas: Int
  ) throws(StoreError) -> [UInt8] {
    var failure: StoreError?
    // Packs that went while this record was looked for. A collection deletes a pack only once, so this
    // ends.
    var gone: Set<PackID> = []
    var hasLookedAgain = false
    while true {
      var lost: PackID?
      let lookup = ContinuousClock.now
      for location in try store.copies(of: id) {
        do throws(StoreError) {
          return try content(of: location, type: type, plainBytes: plainBytes, deltas: deltas)
        } catch {
          failure = failure ?? error
          lost = lost ?? (error.code == .notFound ? error.pack : nil)
        }
      }
      // While one pack after another is rewritten, the record moves on every time.
      let hasMoved = lost.map { gone.insert($0).inserted } ?? false
      if hasMoved || !hasLookedAgain {
        hasLookedAgain = true
        if try store.refresh(after: lookup, losing: lost) { continue }
      }
      // The index may be wrong about what the packs hold.
      guard failure?.code != .fileSystem, try store.rebuildBeforeLoss(after: lookup) else { break }
    }
    throw failure ?? StoreError(.notFound, "\(type) \(id) is missing from all packs")
  }

  private func content(
    of location: RecordLocation, type: RecordType, plainBytes: Int?, deltas: Int
  ) throws(StoreError) -> [UInt8] {
    let entry = location.entry
    guard entry.type == type, plainBytes.map({ $0 == Int(entry.plainBytes) }) ?? true,
      entry.plainBytes <= RecordLimits.maximumPlainBytes, deltas < Self.maximumDeltas
    else {
      throw StoreError(
        .damaged,
        "\(location.name): expected \(plainBytes.map { "\($0) bytes of " } ?? "")\(type), found "
          + "\(entry.plainBytes) bytes of \(entry.type)",
        pack: location.pack.id)
    }
    let base: [UInt8]? =
      if let id = entry.base {
        try read(id, type: type, plainBytes: nil, deltas: deltas + 1)
      } else {
        nil
      }
    do throws(StoreError) {
      return try proven(content(of: location, base: base), at: location)
    } catch {
      if error.code == .damaged { onDamage?(location, error) }
      throw error
    }
  }

  private func content(
    of location: RecordLocation, base: [UInt8]?
  ) throws(StoreError) -> [UInt8] {
    let range = location.entry.rangeInPack
    let record = try location.pack.bytes(count: range.count, at: range.lowerBound)
    return try .filled(count: Int(location.entry.plainBytes)) { output throws(StoreError) in
      try decode(record, base: base, at: location, into: output)
      return output.count
    }
  }

  /// The record at `location`, ready for another pack, and its plaintext. Both are checked on the way;
  /// no other copy is taken in its place.
  package func extract(
    _ location: RecordLocation
  ) throws(StoreError) -> (record: PreparedRecord, content: [UInt8]) {
    let entry = location.entry
    let base: [UInt8]? =
      if let id = entry.base { try read(id, type: entry.type) } else { nil }
    let range = entry.rangeInPack
    let stored = try location.pack.bytes(count: range.count, at: range.lowerBound)
    var content = [UInt8](repeating: 0, count: Int(entry.plainBytes))
    let outcome: Result<PreparedRecord, FormatError> = content.withUnsafeMutableBytes { content in
      stored.withUnsafeBytes { stored in
        (base ?? []).withUnsafeBytes { bytes in
          Result { () throws(FormatError) in
            try decoder.extract(
              stored, expecting: entry, seal: location.pack.seal,
              base: base == nil ? nil : bytes, content: content)
          }
        }
      }
    }
    let record = try reportingFormatErrors(
      of: location.name, pack: location.pack.id, { () throws(FormatError) in try outcome.get() })
    return (record, content)
  }

  /// `content`, where it has the id that it should have, or nobody asks.
  private func proven(
    _ content: [UInt8], at location: RecordLocation
  ) throws(StoreError) -> [UInt8] {
    guard let hasher else { return content }
    let (expected, type) = (location.entry.id, location.entry.type)
    let found = try reportingFormatErrors(of: "\(type) \(expected)") { () throws(FormatError) in
      try hasher.id(of: content, type: type)
    }
    guard found == expected else {
      throw StoreError(
        .damaged, "\(location.name): expected content with this id, found \(found)",
        pack: location.pack.id)
    }
    return content
  }

  private func decode(
    _ record: [UInt8], base: [UInt8]?, at location: RecordLocation,
    into output: UnsafeMutableRawBufferPointer
  ) throws(StoreError) {
    let outcome: Result<Void, StoreError> = record.withUnsafeBytes { record in
      (base ?? []).withUnsafeBytes { bytes in
        Result { () throws(StoreError) in
          try decode(record, at: location, base: base == nil ? nil : bytes, into: output)
        }
      }
    }
    try outcome.get()
  }
}
