import ChunkFormat
import NIOCore
import Synchronization
package import VolumeMap

/// Random-access reads of one volume of a revision, by any number of threads.
///
///     range ──▶ map nodes (cached) ──▶ chunks: cached, being fetched, or fetched now ──▶ slices
///
/// What is at hand is given by ``cachedContent(of:)`` without blocking; everything else by
/// ``content(of:)``, on a thread that may block. Readers of a process share a ``ChunkFetcher`` and a
/// `NodeCache`.
package final class VolumeReader: ReadableVolume {
  private struct State {
    var cursor: MapCursor
    var pattern: AccessPattern
  }

  /// The volume as errors call it: `web01@latest/vda`.
  package let name: String
  package let map: MapRoot
  private let nodes: NodeCache
  private let fetcher: ChunkFetcher
  private let state: Mutex<State>

  package init(name: String, map: MapRoot, nodes: NodeCache, fetcher: ChunkFetcher) {
    self.name = name
    self.map = map
    self.nodes = nodes
    self.fetcher = fetcher
    self.state = Mutex(
      State(
        cursor: MapCursor(map, reading: nodes),
        pattern: AccessPattern(cacheBytes: fetcher.limits.cacheBytes)))
  }

  /// Size of the volume in bytes.
  package var sizeBytes: UInt64 { map.geometry.sizeBytes }

  /// The bytes `range` if all of them are at hand, as pieces that tile it; nil where a map node or a
  /// chunk is missing, or the range is invalid.
  ///
  /// For event loops: never waits longer than it takes to look into tables.
  package func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? {
    guard range.upperBound <= sizeBytes else { return nil }
    let (pieces, readAhead) = state.withLock {
      state -> ([VolumePiece]?, AccessPattern.ReadAhead?) in
      guard let pieces = heldPieces(of: range, &state.cursor) else { return (nil, nil) }
      return (pieces, state.pattern.note(range, wasMiss: false, sizeBytes: sizeBytes))
    }
    if let pieces { fetcher.counters.noteHits(pieces.count { !$0.isHole }) }
    if let readAhead { start(readAhead) }
    return pieces
  }

  /// The bytes `range`, as pieces that tile it. Blocks.
  ///
  /// - Throws: ``VolumeReadError``.
  package func content(of range: Range<UInt64>) throws(VolumeReadError) -> [VolumePiece] {
    try check(range)
    let parts = try parts(of: range)
    let handles = fetcher.fetch(parts.compactMap(\.id))
    let readAhead = state.withLock {
      $0.pattern.note(range, wasMiss: true, sizeBytes: sizeBytes)
    }
    if let readAhead { start(readAhead) }
    var pieces: [VolumePiece] = []
    pieces.reserveCapacity(parts.count)
    var arrived = handles.makeIterator()
    for part in parts {
      if part.id == nil {
        pieces.appendHole(lengthBytes: UInt64(part.bytes.clamped(to: range).count))
      } else if let handle = arrived.next() {
        let chunk = try handle.content(at: part.bytes, of: name)
        pieces.append(chunk, at: part.bytes, within: range)
      }
    }
    return pieces
  }

  /// What is stored and what is hole in the bytes `range`: at most `limit` extents (at least 1), in order
  /// without gaps, that cover the range or a beginning of it. Blocks for a bounded number of map nodes.
  ///
  /// - Throws: ``VolumeReadError``.
  package func allocation(
    of range: Range<UInt64>, limit: Int
  ) throws(VolumeReadError) -> [AllocationExtent] {
    try check(range)
    return try reportingMapErrors(concerning: range) { () throws(MapError) in
      try map.allocation(of: range, limit: limit, reading: nodes)
    }
  }

  /// What changed in the bytes `range` since `old`, the map of another revision of the volume, see
  /// `MapRoot.changes`: at most `limit` extents (at least 1), in order without gaps, that cover the range
  /// or a beginning of it. Blocks for a bounded number of map nodes, and for none where nothing changed.
  ///
  /// - Throws: ``VolumeReadError``.
  package func changes(
    since old: MapRoot, in range: Range<UInt64>, limit: Int
  ) throws(VolumeReadError) -> [ChangeExtent] {
    try check(range)
    return try reportingMapErrors(concerning: range) { () throws(MapError) in
      try map.changes(since: old, in: range, limit: limit, reading: nodes)
    }
  }

  private func reportingMapErrors<Result>(
    concerning range: Range<UInt64>, _ body: () throws(MapError) -> Result
  ) throws(VolumeReadError) -> Result {
    do {
      return try body()
    } catch {
      throw VolumeReadError(error, volume: name, concerning: error.bytes ?? range)
    }
  }

  private func check(_ range: Range<UInt64>) throws(VolumeReadError) {
    guard range.upperBound <= sizeBytes else {
      throw VolumeReadError(
        .invalidRange, volume: name, range: range,
        message: "expected a range within the volume's \(sizeBytes) bytes")
    }
  }
}

// MARK: - What is at hand

extension VolumeReader {
  /// Locks, in this order: the reader's, the chunks', the nodes'.
  private func heldPieces(
    of range: Range<UInt64>, _ cursor: inout MapCursor
  ) -> [VolumePiece]? {
    let chunks = map.geometry.chunks(holding: range)
    return fetcher.cache.withHeld { held in
      var pieces: [VolumePiece] = []
      var chunk = chunks.lowerBound
      while chunk < chunks.upperBound {
        guard let span = cursor.cachedSpan(containing: chunk, in: nodes) else { return nil }
        let end = min(span.chunks.upperBound, chunks.upperBound)
        guard append(span, chunk..<end, of: range, from: &held, to: &pieces) else { return nil }
        chunk = end
      }
      return pieces
    }
  }

  private func append(
    _ span: MapSpan, _ chunks: Range<UInt64>, of range: Range<UInt64>,
    from held: inout TwoQueueCache<ByteBuffer>, to pieces: inout [VolumePiece]
  ) -> Bool {
    guard span.leaf != nil else {
      let bytes = map.geometry.bytes(ofChunks: chunks).clamped(to: range)
      pieces.appendHole(lengthBytes: UInt64(bytes.count))
      return true
    }
    for chunk in chunks {
      let (id, bytes) = (span[chunk], map.geometry.bytes(ofChunk: chunk))
      if id.isHole {
        pieces.appendHole(lengthBytes: UInt64(bytes.clamped(to: range).count))
      } else if let content = held.find(id), content.readableBytes == bytes.count {
        pieces.append(content, at: bytes, within: range)
      } else {
        return false
      }
    }
    return true
  }
}

// MARK: - What must be fetched

extension VolumeReader {
  /// A chunk, or a hole of any length.
  private struct Part {
    let bytes: Range<UInt64>
    let id: ContentID?
  }

  private func parts(of range: Range<UInt64>) throws(VolumeReadError) -> [Part] {
    let chunks = map.geometry.chunks(holding: range)
    var parts: [Part] = []
    var cursor = MapCursor(map, reading: nodes)
    var chunk = chunks.lowerBound
    while chunk < chunks.upperBound {
      let span = try reportingMapErrors(concerning: range) { () throws(MapError) in
        try cursor.span(containing: chunk)
      }
      let end = min(span.chunks.upperBound, chunks.upperBound)
      if span.leaf == nil {
        parts.append(Part(bytes: map.geometry.bytes(ofChunks: chunk..<end), id: nil))
      } else {
        parts += (chunk..<end).map { chunk in
          let id = span[chunk]
          return Part(bytes: map.geometry.bytes(ofChunk: chunk), id: id.isHole ? nil : id)
        }
      }
      chunk = end
    }
    return parts
  }
}

// MARK: - Reading ahead

extension VolumeReader {
  /// A read ahead is cut into pieces of work that each thread of the pool does by itself.
  private static let readAheadPieceBytes: UInt64 = 1 << 20

  /// Begins to fetch what will be wanted soon. Without effect where the pool has enough to do.
  private func start(_ readAhead: AccessPattern.ReadAhead) {
    var start = readAhead.range.lowerBound
    while start < readAhead.range.upperBound {
      let piece = start..<min(start + Self.readAheadPieceBytes, readAhead.range.upperBound)
      guard fetcher.runWhenIdle({ self.fetchAhead(piece, of: readAhead) }) else { return }
      start = piece.upperBound
    }
  }

  /// Failures are met again, and reported, by the one who asks for the content.
  private func fetchAhead(_ range: Range<UInt64>, of readAhead: AccessPattern.ReadAhead) {
    guard let parts = try? parts(of: range) else { return }
    if fetcher.fetchAhead(parts.compactMap(\.id)) == 0 {
      state.withLock { $0.pattern.noteNothingToDo(readAhead) }
    }
  }
}
