import ChunkFormat
import NIOCore
package import Workers

/// Gets chunks out of packs for all readers of a process: one fetch a chunk however many want it, near
/// records in one read, many reads in flight, decoding on as many threads.
///
///     claim ──▶ locate ──▶ stretches of packs ──▶ read ──▶ decode ──▶ cache, all who wait
///     caller    caller     pool threads, the last one on the caller's own
///
/// A piece of work on the pool waits for nothing but storage. What depends on another chunk, a delta on
/// its base, goes on where that chunk arrives.
package final class ChunkFetcher: Sendable {
  /// Bounds of a fetcher.
  package struct Limits: Sendable {
    /// Plaintext kept for later, in bytes.
    package var cacheBytes = 64 << 20
    /// Reads in flight.
    package var threadCount = 16
    /// Reads that wait for a thread; who has more to read waits.
    package var queueLength = 128
    /// Longest read that joins several records, in bytes.
    package var stretchBytes = 1 << 20
    /// Most bytes between two records that are read to save a read.
    package var gapBytes: UInt64 = 64 << 10

    package init() {}
  }

  let source: any RecordSource
  let cache: ChunkCache
  let limits: Limits
  let workbenches = Workbenches()
  /// The longest content that a chunk can have, in bytes.
  let chunkSizeBytes: Int
  private let pool: WorkerPool

  /// - Parameter chunkSizeBytes: of the repository.
  /// - Throws: ``WorkersError`` where the system refuses threads.
  package init(
    source: any RecordSource, chunkSizeBytes: Int, limits: Limits = Limits()
  ) throws(WorkersError) {
    self.source = source
    self.chunkSizeBytes = chunkSizeBytes
    self.limits = limits
    self.cache = ChunkCache(limitBytes: limits.cacheBytes)
    self.pool = try WorkerPool(
      threadCount: limits.threadCount, name: "fetch", queueLimit: limits.queueLength)
  }

  /// Starts to get what is not at hand of `ids`; returns before it has arrived, but not before the
  /// calling thread has done its share.
  func fetch(_ ids: [ContentID]) -> [ChunkHandle] {
    var owed: [PendingChunk] = []
    let handles = ids.map { claim($0, as: .content, owed: &owed) }
    start(owed, avoiding: [], isSpread: true)
    return handles
  }

  /// Gets what is not at hand of `ids` on the calling thread alone, and does not wait for what others are
  /// getting.
  ///
  /// - Returns: how many were not at hand.
  func fetchAhead(_ ids: [ContentID]) -> Int {
    var owed: [PendingChunk] = []
    for id in ids { _ = claim(id, as: .content, owed: &owed) }
    start(owed, avoiding: [], isSpread: false)
    return owed.count
  }

  /// Runs `work` on a thread of the pool unless too much waits already; never blocks.
  func runWhenIdle(_ work: @escaping @Sendable () -> Void) -> Bool {
    pool.trySubmit(work)
  }

  private func claim(
    _ id: ContentID, as role: PendingChunk.Role, owed: inout [PendingChunk]
  ) -> ChunkHandle {
    switch cache.claim(id, as: role) {
    case .given(let handle): return handle
    case .owed(let chunk):
      owed.append(chunk)
      return .pending(chunk)
    }
  }
}

// MARK: - From claims to reads

extension ChunkFetcher {
  /// One record to read: the chunk it settles, what it builds on, the packs that failed to give it.
  struct Order: Sendable {
    let chunk: PendingChunk
    let base: ChunkHandle?
    let avoided: Set<FileDigest>
  }

  private typealias Stretch = PackStretch<Order>

  /// Reads and settles `owed`. Spread: on the pool, the last part on this thread; otherwise all of it on
  /// this thread.
  private func start(_ owed: [PendingChunk], avoiding avoided: Set<FileDigest>, isSpread: Bool) {
    guard !owed.isEmpty else { return }
    let stretches = Stretch.plan(
      records(for: owed, avoiding: avoided),
      lengthLimitBytes: limits.stretchBytes, gapLimitBytes: limits.gapBytes)
    for (index, stretch) in stretches.enumerated() {
      let isLast = index == stretches.count - 1
      if isSpread, !isLast, pool.submit({ self.run(stretch) }) { continue }
      run(stretch)
    }
  }

  /// Where `owed` and the bases they need are. What cannot be found is settled with the failure.
  private func records(
    for owed: [PendingChunk], avoiding avoided: Set<FileDigest>
  ) -> [Stretch.Record] {
    let locations: [RecordLocation?]
    do {
      locations = try source.locate(owed.map(\.id), avoiding: avoided)
    } catch {
      for chunk in owed { cache.settle(chunk, .failure(.unlocated(chunk.id, error))) }
      return []
    }
    var records: [Stretch.Record] = []
    var owedBases: [PendingChunk] = []
    for (chunk, location) in zip(owed, locations) {
      do throws(RecordFailure) {
        guard let location else { throw .missing(chunk.id) }
        try location.check(
          isBase: chunk.role == .base, type: .chunk, plainLimitBytes: chunkSizeBytes)
        if location.entry.base == nil { chunk.noteStandalone() }
        let base = location.entry.base.map { claim($0, as: .base, owed: &owedBases) }
        let order = Order(chunk: chunk, base: base, avoided: avoided)
        records.append(Stretch.Record(location: location, item: order))
      } catch {
        cache.settle(chunk, .failure(error))
      }
    }
    guard !owedBases.isEmpty else { return records }
    return records + self.records(for: owedBases, avoiding: [])
  }

  private func run(_ stretch: Stretch) {
    do {
      try workbenches.with { bench in
        bench.reserve(bytes: stretch.lengthBytes)
        stretch.read(from: source, into: bench.scratch) { record, bytes in
          switch bytes {
          case .failure(let failure): recover(record, from: failure)
          case .success(let bytes): decode(record, bytes, bench)
          }
        }
      }
    } catch {
      for record in stretch.records {
        cache.settle(record.item.chunk, .failure(.unreadable(record.location, error)))
      }
    }
  }

  private func decode(
    _ record: Stretch.Record, _ bytes: UnsafeRawBufferPointer, _ bench: Workbench
  ) {
    switch record.item.base {
    case nil: finish(record, bytes, base: nil, bench)
    case .held(let base): finish(record, bytes, base: base, bench)
    case .pending(let base):
      let kept = Array(bytes)
      base.whenSettled { outcome in
        self.finish(record, kept, base: outcome)
      }
    }
  }

  private func finish(_ record: Stretch.Record, _ bytes: [UInt8], base: PendingChunk.Outcome) {
    switch base {
    case .failure(let failure): recover(record, from: .base(of: record.location, failure))
    case .success(let base):
      do {
        try workbenches.with { bench in
          bytes.withUnsafeBytes { finish(record, $0, base: base, bench) }
        }
      } catch {
        cache.settle(record.item.chunk, .failure(.unreadable(record.location, error)))
      }
    }
  }

  private func finish(
    _ record: Stretch.Record, _ bytes: UnsafeRawBufferPointer, base: ByteBuffer?,
    _ bench: Workbench
  ) {
    do throws(RecordFailure) {
      let content = try bench.decode(bytes, at: record.location, base: base, from: source)
      cache.settle(record.item.chunk, .success(content))
    } catch {
      recover(record, from: error)
    }
  }

  /// Tries a copy in a pack that was not tried so far; the first failure stands where there is none.
  private func recover(_ record: Stretch.Record, from failure: RecordFailure) {
    let chunk = record.item.chunk
    let avoided = record.item.avoided.union([record.location.pack])
    guard avoided.count > record.item.avoided.count,
      let other = try? source.locate([chunk.id], avoiding: avoided)[0],
      !avoided.contains(other.pack)
    else { return cache.settle(chunk, .failure(failure)) }
    start([chunk], avoiding: avoided, isSpread: false)
  }
}
