import ChunkFormat
import NIOCore
package import Workers

/// Fetches chunks from packs for all readers of a process. Each chunk is fetched once, even if
/// several readers request it. Records that lie close together are read at once. Several threads
/// read and decode at the same time.
///
///     claim ──▶ locate ──▶ stretches of packs ──▶ read ──▶ decode ──▶ cache, all who wait
///     caller    caller     pool threads, the last one on the caller's own
///
/// A task on the pool waits only for storage. A delta that needs another chunk as its base is
/// continued by the thread that completes that chunk.
package final class ChunkFetcher: Sendable {
  /// The limits of a fetcher.
  package struct Limits: Sendable {
    /// The limit of cached plaintext, in bytes.
    package var cacheBytes = 64 << 20
    /// The maximum number of reads in flight.
    package var threadCount = 16
    /// The maximum number of reads that wait for a thread. Beyond it, the caller waits.
    package var queueLength = 128
    package var stretches = StretchLimits()

    package init() {}
  }

  private let pipeline: ChunkPipeline
  let cache: ChunkCache
  let limits: Limits
  let counters = FetchCounters()
  private let buffers = ObjectPool<DecodeBuffers>()
  private let pool: WorkerPool

  /// Creates a fetcher with an empty cache, and starts its threads.
  ///
  /// - Parameter chunkSizeBytes: the chunk size of the repository.
  /// - Throws: ``WorkersError`` if the system refuses to create threads.
  package init(
    source: any RecordSource, chunkSizeBytes: Int, limits: Limits = Limits()
  ) throws(WorkersError) {
    pipeline = ChunkPipeline(
      source: source, chunkSizeBytes: chunkSizeBytes, limits: limits.stretches)
    self.limits = limits
    cache = ChunkCache(limitBytes: limits.cacheBytes, chunkSizeBytes: chunkSizeBytes)
    pool = try WorkerPool(
      threadCount: limits.threadCount, name: "fetch", queueLimit: limits.queueLength)
  }

  /// The counters and the current cache size. Any thread may read them.
  package var statistics: Statistics {
    var statistics = counters.statistics
    statistics.cachedBytes = cache.heldBytes
    statistics.cacheLimitBytes = limits.cacheBytes
    return statistics
  }

  /// Starts to fetch those chunks of `ids` that are not cached. Returns before all chunks have
  /// arrived, but only after the calling thread has read its own part.
  func fetch(_ ids: [ContentID]) -> [ChunkHandle] {
    let claim = cache.claim(ids, as: .content)
    let hitCount = claim.handles.count { $0.isHeld }
    counters.noteHits(hitCount)
    counters.noteMisses(claim.handles.count - hitCount)
    start(claim.owed, isSpread: true)
    return claim.handles
  }

  /// Fetches those chunks of `ids` that are not cached, on the calling thread only. Does not wait
  /// for chunks that other threads are fetching.
  ///
  /// - Returns: how many chunks this call had to fetch.
  func fetchAhead(_ ids: [ContentID]) -> Int {
    let owed = cache.claim(ids, as: .content).owed
    counters.noteReadAhead(owed.count)
    start(owed, isSpread: false)
    return owed.count
  }

  /// Runs `work` on a thread of the pool, unless too much work waits already. Never blocks.
  func runWhenIdle(_ work: @escaping @Sendable () -> Void) -> Bool {
    pool.trySubmit(work)
  }
}

// MARK: - Reading requested chunks

extension ChunkFetcher {
  /// A record to read: the chunk that it provides, and its base if it is a delta.
  private struct Order: Sendable {
    let chunk: PendingChunk
    let base: ChunkHandle?
  }

  private typealias Stretch = PackStretch<Order>

  /// Reads and settles `owed`. If `isSpread` is true, the pool reads all parts but the last, and
  /// this thread reads the last one. Otherwise this thread reads everything.
  private func start(_ owed: [PendingChunk], isSpread: Bool) {
    guard !owed.isEmpty else { return }
    let stretches = pipeline.plan(records(for: owed, as: .content))
    for (index, stretch) in stretches.enumerated() {
      let isLast = index == stretches.count - 1
      if isSpread, !isLast, pool.submit({ self.run(stretch) }) { continue }
      run(stretch)
    }
  }

  /// Locates `owed`, which all have one role, and the bases that they need. Chunks without a
  /// plausible location are recovered at once.
  private func records(
    for owed: [PendingChunk], as role: PendingChunk.Role
  ) -> [Stretch.Record] {
    let locations = pipeline.locate(owed.map(\.id), areBases: role == .base)
    var found: [(chunk: PendingChunk, location: PackedRecord)] = []
    for (chunk, location) in zip(owed, locations) {
      guard let location else {
        recover(chunk)
        continue
      }
      if location.entry.base == nil { chunk.noteStandalone() }
      found.append((chunk, location))
    }
    let bases = found.compactMap(\.location.entry.base)
    let claim = bases.isEmpty ? ChunkCache.Claim() : cache.claim(bases, as: .base)
    var handles = claim.handles.makeIterator()
    let records = found.map { chunk, location in
      let base = location.entry.base == nil ? nil : handles.next()
      return Stretch.Record(location: location, item: Order(chunk: chunk, base: base))
    }
    return claim.owed.isEmpty ? records : records + self.records(for: claim.owed, as: .base)
  }

  private func run(_ stretch: Stretch) {
    do {
      try buffers.withObject(orNew: try DecodeBuffers()) { buffers in
        counters.notePackRead(bytes: stretch.lengthBytes)
        pipeline.read(CollectionOfOne(stretch), into: buffers) { record, bytes in
          if let bytes { decode(record, bytes, buffers) } else { recover(record.item.chunk) }
        }
      }
    } catch {
      // There is not enough memory for a decoder.
      for record in stretch.records { recover(record.item.chunk) }
    }
  }

  private func decode(
    _ record: Stretch.Record, _ bytes: UnsafeRawBufferPointer, _ buffers: DecodeBuffers
  ) {
    switch record.item.base {
    case nil: finish(record, bytes, base: nil, buffers)
    case .held(let base): finish(record, bytes, base: base, buffers)
    case .pending(let base):
      let kept = Array(bytes)
      base.whenSettled { self.finish(record, kept, base: $0) }
    }
  }

  private func finish(_ record: Stretch.Record, _ bytes: [UInt8], base: PendingChunk.Outcome) {
    do {
      let base = try base.get()
      try buffers.withObject(orNew: try DecodeBuffers()) { buffers in
        bytes.withUnsafeBytes { finish(record, $0, base: base, buffers) }
      }
    } catch {
      recover(record.item.chunk)
    }
  }

  private func finish(
    _ record: Stretch.Record, _ bytes: UnsafeRawBufferPointer, base: ByteBuffer?,
    _ buffers: DecodeBuffers
  ) {
    let length = Int(record.location.entry.plainBytes)
    if let content = try? buffers.decode(
      bytes, at: record.location, base: base, into: cache.makeBuffer(capacity: length))
    {
      cache.settle(record.item.chunk, .success(content))
    } else {
      recover(record.item.chunk)
    }
  }

  private func recover(_ chunk: PendingChunk) {
    do throws(RecordFailure) {
      let content = try pipeline.recover(chunk.id, plainBytes: nil)
      cache.settle(chunk, .success(ByteBuffer(bytes: content)))
    } catch {
      cache.settle(chunk, .failure(error))
    }
  }
}
