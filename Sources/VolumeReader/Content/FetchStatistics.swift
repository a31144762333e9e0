import Synchronization

extension ChunkFetcher {
  /// The counters of a fetcher since its creation, and its current cache size.
  package struct Statistics: Equatable, Sendable {
    /// Requested chunks that were cached.
    package var hitCount: UInt64 = 0
    /// Requested chunks that were not cached, including those that were already being fetched.
    package var missCount: UInt64 = 0
    /// Chunks that were fetched before anybody requested them.
    package var readAheadCount: UInt64 = 0
    /// Reads of packs. One read may return several chunks, and bases of deltas.
    package var packReadCount: UInt64 = 0
    /// The stored bytes that these reads returned.
    package var packReadBytes: UInt64 = 0
    /// The cached plaintext now, in bytes.
    package var cachedBytes = 0
    /// The limit of cached plaintext, in bytes.
    package var cacheLimitBytes = 0

    package init() {}
  }
}

/// Counts the work of a fetcher, on all its threads.
final class FetchCounters: Sendable {
  private let hits = Atomic<UInt64>(0)
  private let misses = Atomic<UInt64>(0)
  private let readAheads = Atomic<UInt64>(0)
  private let packReads = Atomic<UInt64>(0)
  private let packBytes = Atomic<UInt64>(0)

  func noteHits(_ count: Int) { hits.add(UInt64(count), ordering: .relaxed) }
  func noteMisses(_ count: Int) { misses.add(UInt64(count), ordering: .relaxed) }
  func noteReadAhead(_ count: Int) { readAheads.add(UInt64(count), ordering: .relaxed) }

  func notePackRead(bytes: Int) {
    packReads.add(1, ordering: .relaxed)
    packBytes.add(UInt64(bytes), ordering: .relaxed)
  }

  /// All counters. They are not an exact snapshot, because other threads continue to count.
  var statistics: ChunkFetcher.Statistics {
    var statistics = ChunkFetcher.Statistics()
    statistics.hitCount = hits.load(ordering: .relaxed)
    statistics.missCount = misses.load(ordering: .relaxed)
    statistics.readAheadCount = readAheads.load(ordering: .relaxed)
    statistics.packReadCount = packReads.load(ordering: .relaxed)
    statistics.packReadBytes = packBytes.load(ordering: .relaxed)
    return statistics
  }
}
