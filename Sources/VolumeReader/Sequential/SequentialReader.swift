import ChunkFormat
package import VolumeMap
package import Workers

/// Reads a volume from its beginning to its end, as fast as the cores can decode, with limited
/// memory. Used to restore and to verify.
///
///     map ──▶ batches of chunks ──▶ read, decode (× workers) ──▶ in order, on the calling thread
///
/// Does not use the chunk cache of the random readers.
package struct SequentialReader: Sendable {
  /// The limits of a run.
  package struct Limits: Sendable {
    /// The content in flight, in bytes.
    package var windowBytes = 16 << 20
    /// The content that is fetched together, in bytes; at least one chunk.
    package var batchBytes = 1 << 20
    package var stretches = StretchLimits()
    /// The cached bases of deltas, in bytes.
    package var baseCacheBytes = 8 << 20
    /// The number of threads that read and decode. It exceeds the number of cores, because some
    /// threads wait for storage. It is limited, because each thread needs memory.
    package var workerCount = min(16, 2 * max(2, processorCount()))

    package init() {}
  }

  private enum Work: Sendable {
    case hole(Range<UInt64>)
    case chunks(ChunkBatch)
    case damaged(VolumeReadError)
  }

  private enum Outcome: Sendable {
    case hole(Range<UInt64>)
    case chunks(DecodedBatch)
    case damaged(VolumeReadError)
  }

  private let name: String
  private let map: MapRoot
  private let nodes: any NodeReading
  private let source: any RecordSource
  private let limits: Limits

  /// Creates a reader of one volume.
  ///
  /// - Parameter name: the name of the volume in errors.
  package init(
    name: String, map: MapRoot, nodes: any NodeReading, source: any RecordSource,
    limits: Limits = Limits()
  ) {
    self.name = name
    self.map = map
    self.nodes = nodes
    self.source = source
    self.limits = limits
  }

  /// Passes `range`, by default the whole volume, to `body`, in order and without gaps. Unreadable
  /// parts are passed as damaged, and `body` decides whether to continue.
  ///
  /// - Throws: ``VolumeReadError`` with `.invalidRange`; errors of `body`; ``WorkersError`` when
  ///   `cancellation` requests the end.
  package func read(
    _ range: Range<UInt64>? = nil, cancellation: CancellationFlag? = nil,
    _ body: (SequentialContent) throws -> Void
  ) throws {
    let range = range ?? 0..<map.geometry.sizeBytes
    guard range.upperBound <= map.geometry.sizeBytes else {
      throw VolumeReadError(
        .invalidRange, volume: name, range: range,
        message: "expected a range within the volume's \(map.geometry.sizeBytes) bytes")
    }
    let chunkSizeBytes = map.geometry.chunkSizeBytes
    let chunksPerBatch = max(1, limits.batchBytes / chunkSizeBytes)
    let contents = ObjectPool<BatchBuffer>()
    let decoder = BatchDecoder(
      volume: name, geometry: map.geometry,
      pipeline: ChunkPipeline(
        source: source, chunkSizeBytes: chunkSizeBytes, limits: limits.stretches),
      bases: BaseCache(limitBytes: limits.baseCacheBytes),
      batchBytes: chunksPerBatch * chunkSizeBytes, contents: contents)
    try OrderedPipeline.run(
      workers: limits.workerCount,
      window: max(limits.workerCount, limits.windowBytes / (chunksPerBatch * chunkSizeBytes)),
      name: "read", cancellation: cancellation, makeWorker: { try DecodeBuffers() },
      produce: { sink in
        try produce(map.geometry.chunks(holding: range), chunksPerBatch, sink)
      },
      transform: { buffers, work in
        switch work {
        case .hole(let bytes): Outcome.hole(bytes)
        case .damaged(let error): Outcome.damaged(error)
        case .chunks(let batch): Outcome.chunks(decoder.decode(batch, buffers))
        }
      },
      consume: { outcome in
        switch outcome {
        case .hole(let bytes): try body(.hole(bytes.clamped(to: range)))
        case .damaged(let error): try body(.damaged(error.clamped(to: range)))
        case .chunks(let batch):
          try handOut(batch, within: range, body)
          contents.putBack(batch.content)
        }
      })
  }

  // MARK: - Reading the map

  private func produce(
    _ chunks: Range<ChunkNumber>, _ chunksPerBatch: Int, _ sink: (Work) throws -> Void
  ) throws {
    var cursor = MapCursor(map, reading: nodes)
    var hole = chunks.lowerBound..<chunks.lowerBound
    func sinkHole() throws {
      if !hole.isEmpty { try sink(.hole(map.geometry.bytes(ofChunks: hole))) }
    }
    var chunk = chunks.lowerBound
    while chunk < chunks.upperBound {
      let stretch: (work: Work?, end: ChunkNumber)
      do throws(MapError) {
        let span = try cursor.span(containing: chunk)
        stretch = next(span, chunk..<min(span.chunks.upperBound, chunks.upperBound), chunksPerBatch)
      } catch {
        stretch = try damage(error, at: chunk, of: chunks)
      }
      if let work = stretch.work {
        try sinkHole()
        try sink(work)
        hole = stretch.end..<stretch.end
      } else {
        hole = hole.lowerBound..<stretch.end
      }
      chunk = stretch.end
    }
    try sinkHole()
  }

  /// Returns the next work from the start of `chunks` in `span`: chunks for one batch, or no work
  /// for a hole.
  private func next(
    _ span: MapSpan, _ chunks: Range<ChunkNumber>, _ chunksPerBatch: Int
  ) -> (work: Work?, end: ChunkNumber) {
    guard span.leaf != nil else { return (nil, chunks.upperBound) }
    let ids = chunks.lazy.map { span[$0] }
    let holes = ids.prefix { $0.isHole }.count
    if holes > 0 { return (nil, chunks.lowerBound + UInt64(holes)) }
    let batch = Array(ids.prefix { !$0.isHole }.prefix(chunksPerBatch))
    return (
      .chunks(ChunkBatch(firstChunk: chunks.lowerBound, ids: batch)),
      chunks.lowerBound + UInt64(batch.count)
    )
  }

  /// Returns the range below a bad map node as damaged.
  private func damage(
    _ error: MapError, at chunk: ChunkNumber, of chunks: Range<ChunkNumber>
  ) throws -> (work: Work?, end: ChunkNumber) {
    guard let lost = error.bytes, !lost.isEmpty else { throw error }
    let end = min(map.geometry.chunks(holding: lost).upperBound, chunks.upperBound)
    let bytes = map.geometry.bytes(ofChunks: chunk..<end)
    return (.damaged(VolumeReadError(error, volume: name, concerning: bytes)), end)
  }

  // MARK: - The caller's side

  /// Hands out the chunks of a batch: as much at a time as there is without a failure.
  private func handOut(
    _ decoded: DecodedBatch, within range: Range<UInt64>,
    _ body: (SequentialContent) throws -> Void
  ) throws {
    let ids = decoded.batch.ids
    var index = 0
    while index < ids.count {
      if let failure = decoded.failures[index] {
        try body(.damaged(failure.clamped(to: range)))
        index += 1
        continue
      }
      let end = (index..<ids.count).first { decoded.failures[$0] != nil } ?? ids.count
      let first = decoded.batch.firstChunk
      let bytes = map.geometry.bytes(ofChunks: first + UInt64(index)..<first + UInt64(end))
      let part = bytes.clamped(to: range)
      let start = Int(part.lowerBound - map.geometry.offsetBytes(ofChunk: first))
      let content = UnsafeRawBufferPointer(
        rebasing: decoded.content.bytes[start..<start + part.count])
      try body(.data(part, content, chunks: ids[index..<end]))
      index = end
    }
  }
}
