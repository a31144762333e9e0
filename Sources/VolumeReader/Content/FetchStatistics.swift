import Synchronization

extension ChunkFetcher {
  /// What a fetcher has done since it was made, and what it holds.
  package struct Statistics: Equatable, Sendable {
    /// Chunks that were at hand when somebody asked for them.
    package var hitCount: UInt64 = 0
    /// Chunks that were not, those included that were on their way for somebody else.
    package var missCount: UInt64 = 0
    /// Chunks that were got before anybody had asked for them.
    package var readAheadCount: UInt64 = 0
    /// Reads of packs; one may bring several chunks, and bases of deltas.
    package var packReadCount: UInt64 = 0
    /// What these reads brought, in bytes as stored.
    package var packReadBytes: UInt64 = 0
    /// Plaintext at hand now, in bytes.
    package var cachedBytes = 0
    /// The most plaintext that is kept, in bytes.
    package var cacheLimitBytes = 0

    package init() {}
  }
}

/// Counts what a fetcher does, for all of its threads.
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

  /// All that is counted. Not one moment's: other threads go on counting meanwhile.
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
