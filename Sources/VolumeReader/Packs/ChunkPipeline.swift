import ChunkFormat

/// The steps that get chunks out of packs, for random and for sequential reads:
///
///     locate ──▶ plan stretches ──▶ read ──▶ decode
///        └──────────────────────────┴──────────┴────▶ recover
///
/// The fast path trusts the index and reads one copy of each record, together with its neighbours.
/// If that fails, recovery tries every copy, and reports what is wrong if none is usable.
struct ChunkPipeline: Sendable {
  private let source: any RecordSource
  /// The greatest length of a chunk, in bytes.
  private let chunkSizeBytes: Int
  private let limits: StretchLimits

  init(source: any RecordSource, chunkSizeBytes: Int, limits: StretchLimits) {
    self.source = source
    self.chunkSizeBytes = chunkSizeBytes
    self.limits = limits
  }

  /// Locates the chunks, in the order of `ids`. Nil for chunks that must be recovered.
  ///
  /// - Parameter areBases: whether the chunks are bases of deltas.
  func locate(_ ids: [ContentID], areBases: Bool) -> [PackedRecord?] {
    guard !ids.isEmpty, var locations = try? source.locations(of: ids) else {
      return Array(repeating: nil, count: ids.count)
    }
    for index in locations.indices {
      let isPlausible = locations[index]?.isPlausibleChunk(
        isBase: areBases, lengthLimitBytes: chunkSizeBytes)
      if isPlausible == false { locations[index] = nil }
    }
    return locations
  }

  /// Plans as few reads as possible for the records.
  func plan<Item>(_ records: [PackStretch<Item>.Record]) -> [PackStretch<Item>] {
    PackStretch.plan(records, within: limits)
  }

  /// Reads `stretches` one after the other, and calls `body` with the bytes of each record. The
  /// bytes stay valid until `buffers` are used for another read. If a stretch cannot be read,
  /// `body` gets nil for its records, which may then be recovered one by one: a bad sector must not
  /// affect its neighbours.
  func read<Item>(
    _ stretches: some Sequence<PackStretch<Item>>, into buffers: DecodeBuffers,
    _ body: (PackStretch<Item>.Record, UnsafeRawBufferPointer?) -> Void
  ) {
    buffers.reserve(bytes: stretches.reduce(0) { $0 + $1.lengthBytes })
    var start = 0
    for stretch in stretches {
      let room = UnsafeMutableRawBufferPointer(
        rebasing: buffers.stored[start..<start + stretch.lengthBytes])
      start += stretch.lengthBytes
      let isRead = (try? stretch.read(into: room)) != nil
      for record in stretch.records {
        body(record, isRead ? stretch.bytes(of: record, in: UnsafeRawBufferPointer(room)) : nil)
      }
    }
  }

  /// Returns the content of a chunk by all available means.
  ///
  /// - Parameter plainBytes: the length of the content, if it is known.
  func recover(_ id: ContentID, plainBytes: Int?) throws(RecordFailure) -> [UInt8] {
    do {
      return try source.content(of: id, type: .chunk, plainBytes: plainBytes)
    } catch {
      throw RecordFailure(error)
    }
  }
}
