import ChunkFormat

/// How chunks come out of packs, for random and for sequential reading alike:
///
///     locate ──▶ plan stretches ──▶ read ──▶ decode
///        └──────────────────────────┴──────────┴────▶ recover
///
/// The fast way trusts the index and reads one copy, with its neighbours. What fails on it is recovered:
/// that way tries every copy, and can tell what is wrong if none will do.
struct ChunkPipeline: Sendable {
  private let source: any RecordSource
  /// The longest content that a chunk can have, in bytes.
  private let chunkSizeBytes: Int
  private let limits: StretchLimits

  init(source: any RecordSource, chunkSizeBytes: Int, limits: StretchLimits) {
    self.source = source
    self.chunkSizeBytes = chunkSizeBytes
    self.limits = limits
  }

  /// Where the chunks are, in the order of `ids`; nil for those that must be recovered.
  ///
  /// - Parameter areBases: whether deltas are to be decoded with them.
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

  /// The fewest reads that bring the records.
  func plan<Item>(_ records: [PackStretch<Item>.Record]) -> [PackStretch<Item>] {
    PackStretch.plan(records, within: limits)
  }

  /// Reads `stretches`, one behind the other, and calls `body` with the bytes of each record, which stay as
  /// they are until `buffers` are used for another read; with nil for the records of a stretch that
  /// cannot be read: one bad sector is no reason to give up its neighbours.
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

  /// The content of a chunk, whatever it takes.
  ///
  /// - Parameter plainBytes: its length where that is known.
  func recover(_ id: ContentID, plainBytes: Int?) throws(RecordFailure) -> [UInt8] {
    do {
      return try source.content(of: id, type: .chunk, plainBytes: plainBytes)
    } catch {
      throw RecordFailure(error)
    }
  }
}
