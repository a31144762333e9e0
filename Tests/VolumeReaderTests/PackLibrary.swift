import ChunkFormat
import Synchronization
import VolumeReader

/// Packs in memory that can be damaged, lost or slow, like real ones. Counts the reads.
final class PackLibrary: RecordSource {
  struct Read: Equatable, Sendable {
    let pack: PackID
    let range: Range<UInt64>
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private struct State {
    var copies: [ContentID: [PackedRecord]] = [:]
    var bytes: [PackID: [UInt8]] = [:]
    var reads: [Read] = []
    var thoroughReads: [ContentID] = []
  }

  let repository: RepositoryID
  let keys: RepositoryKeys?
  /// A test closes this gate to make reads wait.
  let gate = Gate()
  private let state = Mutex(State())

  init(isEncrypted: Bool = false) throws {
    repository = try .random()
    keys = isEncrypted ? try .generate() : nil
  }

  var reads: [Read] { state.withLock { $0.reads } }
  var thoroughReads: [ContentID] { state.withLock { $0.thoroughReads } }

  func forgetReads() {
    state.withLock {
      $0.reads = []
      $0.thoroughReads = []
    }
  }

  /// Writes one pack. Its records rank behind the copies that are already known.
  @discardableResult
  func store(_ records: [PreparedRecord], kind: RepositoryFileKind = .dataPack) throws -> PackID {
    let encoder = try PackEncoder(kind: kind, repository: repository, keys: keys)
    for record in records { try encoder.append(record) }
    let (bytes, summary) = try encoder.finish()
    let pack = MemoryPack(
      id: summary.id, seal: try PackSeal(header: summary.header, keys: keys), library: self)
    state.withLock { state in
      state.bytes[pack.id] = bytes
      for entry in summary.entries {
        state.copies[entry.id, default: []].append(PackedRecord(pack: pack, entry: entry))
      }
    }
    return pack.id
  }

  /// Returns the location of the first copy of a record.
  func location(of id: ContentID) throws -> PackedRecord {
    try state.withLock { state in
      guard let location = state.copies[id]?.first else {
        throw Failure(description: "no record \(id)")
      }
      return location
    }
  }

  /// Forgets every copy of a record.
  func forget(_ id: ContentID) {
    state.withLock { $0.copies[id] = nil }
  }

  /// Changes one byte of the first copy's payload.
  func damage(_ id: ContentID) throws {
    let location = try location(of: id)
    state.withLock {
      $0.bytes[location.pack.id]![Int(location.entry.rangeInPack.upperBound) - 1] ^= 0x10
    }
  }

  /// Removes a pack, if `bytes` is nil, or replaces its bytes.
  func replace(_ pack: PackID, with bytes: [UInt8]?) -> [UInt8]? {
    state.withLock { state in
      let before = state.bytes[pack]
      state.bytes[pack] = bytes
      return before
    }
  }

  func locations(of ids: [ContentID]) throws -> [PackedRecord?] {
    state.withLock { state in ids.map { state.copies[$0]?.first } }
  }

  func content(of id: ContentID, type: RecordType, plainBytes: Int?) throws -> [UInt8] {
    let copies = state.withLock { state in
      state.thoroughReads.append(id)
      return state.copies[id] ?? []
    }
    var failure: any Error = Failure(description: "no copy of \(id)")
    for copy in copies where copy.entry.type == type {
      do { return try content(at: copy) } catch { failure = error }
    }
    throw failure
  }

  private func content(at location: PackedRecord) throws -> [UInt8] {
    let entry = location.entry
    let base = try entry.base.map { id in
      guard try self.location(of: id).entry.base == nil else {
        throw Failure(description: "the base \(id) is a delta")
      }
      return try content(of: id, type: entry.type, plainBytes: nil)
    }
    var record = [UInt8](repeating: 0, count: entry.rangeInPack.count)
    try record.withUnsafeMutableBytes {
      try location.pack.read(into: $0, at: entry.rangeInPack.lowerBound)
    }
    var output = [UInt8](repeating: 0, count: Int(entry.plainBytes))
    try record.withUnsafeBytes { record in
      try output.withUnsafeMutableBytes { output in
        try (base ?? []).withUnsafeBytes { bytes in
          try RecordDecoder().decode(
            record, expecting: entry, seal: location.pack.seal, base: base == nil ? nil : bytes,
            into: output)
        }
      }
    }
    return output
  }

  fileprivate func read(
    _ pack: PackID, into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64
  ) throws {
    let bytes = state.withLock { state in
      state.reads.append(Read(pack: pack, range: offset..<offset + UInt64(buffer.count)))
      return state.bytes[pack]
    }
    gate.pass()
    guard let bytes else { throw Failure(description: "no pack \(pack)") }
    guard Int(offset) + buffer.count <= bytes.count else {
      throw Failure(description: "pack \(pack) ends at \(bytes.count)")
    }
    buffer.copyBytes(from: bytes[Int(offset)..<Int(offset) + buffer.count])
  }
}

final class MemoryPack: PackReading {
  let id: PackID
  let seal: PackSeal
  private unowned let library: PackLibrary

  init(id: PackID, seal: PackSeal, library: PackLibrary) {
    self.id = id
    self.seal = seal
    self.library = library
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64) throws {
    try library.read(id, into: buffer, at: offsetBytes)
  }
}
