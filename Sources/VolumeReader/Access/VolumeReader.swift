import ChunkFormat
import NIOCore
import Synchronization
package import VolumeMap

/// Random reads of one volume of a revision, from any number of threads.
///
///     range ──▶ map nodes (cached) ──▶ chunks: cached, being fetched, or fetched now ──▶ slices
///
/// ``cachedContent(of:)`` returns cached content without blocking. ``content(of:)`` returns all
/// content, on a thread that may block. The readers of a process share a ``ChunkFetcher`` and a
/// `NodeCache`.
package final class VolumeReader: ReadableVolume {
  private struct State {
    var cursor: MapCursor
    var pattern: AccessPattern
  }

  /// The name of the volume in errors: `web01@latest/vda`.
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

  /// The size of the volume in bytes.
  package var sizeBytes: UInt64 { map.geometry.sizeBytes }

  /// Returns the bytes in `range` as pieces that cover it, if all of them are cached. Nil if a map
  /// node or a chunk is not cached, or if the range is invalid.
  ///
  /// For event loops: takes no longer than a few table lookups.
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

  /// Returns the bytes in `range` as pieces that cover it. Blocks.
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

  /// Returns the data extents and holes in `range`, in order and without gaps, from the beginning
  /// of the range. There are at most `limit` extents (at least 1), so they may end before the end
  /// of the range. Blocks for a limited number of map nodes.
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

  /// Returns what changed in `range` since `old`, the map of another revision of the volume; see
  /// `MapRoot.changes`. The extents are in order and without gaps, from the beginning of the range.
  /// There are at most `limit` extents (at least 1), so they may end before the end of the range.
  /// Blocks for a limited number of map nodes, and for none if nothing changed.
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

// MARK: - Cached content

extension VolumeReader {
  /// Takes the locks in this order: the reader's, the chunk cache's, the node cache's.
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
    _ span: MapSpan, _ chunks: Range<ChunkNumber>, of range: Range<UInt64>,
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

// MARK: - Content to fetch

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
  /// A read-ahead is cut into pieces of this size. One thread of the pool fetches each piece.
  private static let readAheadPieceBytes: UInt64 = 1 << 20

  /// Starts to fetch content that will probably be requested soon. Does nothing if the pool is
  /// busy.
  private func start(_ readAhead: AccessPattern.ReadAhead) {
    var start = readAhead.range.lowerBound
    while start < readAhead.range.upperBound {
      let piece = start..<min(start + Self.readAheadPieceBytes, readAhead.range.upperBound)
      guard fetcher.runWhenIdle({ self.fetchAhead(piece, of: readAhead) }) else { return }
      start = piece.upperBound
    }
  }

  /// Fetches a piece ahead. Ignores errors: the reader that requests the content will get and
  /// report them.
  private func fetchAhead(_ range: Range<UInt64>, of readAhead: AccessPattern.ReadAhead) {
    guard let parts = try? parts(of: range) else { return }
    if fetcher.fetchAhead(parts.compactMap(\.id)) == 0 {
      state.withLock { $0.pattern.noteNothingToDo(readAhead) }
    }
  }
}
