import ChunkFormat
import Glibc
import Synchronization
import TestSupport
import Testing
import VolumeMap
import Workers

@testable import VolumeReader

@Suite(.timeLimit(.minutes(2))) struct VolumeReaderTests {
  private static let chunk = SampleVolume.chunkSizeBytes

  private func sample(
    isEncrypted: Bool = false, chunks: Int = 60, extraBytes: Int = 777, seed: UInt64 = 1
  ) throws -> SampleVolume {
    var random = SeededRandom(seed: seed)
    return try SampleVolume(
      SampleVolume.content(
        sizeBytes: chunks * Self.chunk + extraBytes, holes: 5..<6, 20..<40, random: &random),
      in: PackLibrary(isEncrypted: isEncrypted))
  }

  @Test("any range is read as it was stored, cached or not", arguments: [false, true], [20, 1000])
  func randomRanges(isEncrypted: Bool, cacheChunks: Int) throws {
    var random = SeededRandom()
    let volume = try sample(isEncrypted: isEncrypted)
    for night in 1...3 as ClosedRange<UInt8> {
      try volume.change([0, 3, 17, 41, 42, 43], to: night)
    }
    let reader = try volume.reader(
      fetcher: volume.fetcher { $0.cacheBytes = cacheChunks * Self.chunk })
    for _ in 0..<150 {
      let start = UInt64.random(in: 0..<reader.sizeBytes, using: &random)
      let length = UInt64.random(
        in: 0...[10, 5000, 400_000].randomElement(using: &random)!, using: &random)
      let range = start..<min(start + length, reader.sizeBytes)
      let content = try reader.content(of: range)
      try #require(volume.holds(content, at: range), "\(range), \(random)")
      try #require(content.allSatisfy { $0.lengthBytes > 0 }, "\(range), \(random)")
      if cacheChunks > 100 {
        try #require(
          volume.holds(reader.cachedContent(of: range), at: range), "\(range), \(random)")
      }
    }
  }

  @Test("volumes of unusual sizes can be read", arguments: [0, 1, 511, 65_535, 65_536, 65_537])
  func sizes(sizeBytes: Int) throws {
    var random = SeededRandom(seed: 3)
    let volume = try SampleVolume(
      SampleVolume.content(sizeBytes: sizeBytes, random: &random), in: PackLibrary())
    let reader = try volume.reader()
    #expect(reader.sizeBytes == UInt64(sizeBytes))
    let all = 0..<reader.sizeBytes
    #expect(volume.holds(try reader.content(of: all), at: all))
    #expect(volume.holds(reader.cachedContent(of: all), at: all))
  }

  @Test("cached content is returned without reading") func cachedOnly() throws {
    let volume = try sample()
    let reader = try volume.reader()
    volume.library.forgetReads()
    #expect(reader.cachedContent(of: 0..<4096) == nil)
    #expect(volume.library.reads.isEmpty)
    _ = try reader.content(of: 0..<4096)
    volume.library.forgetReads()
    #expect(volume.holds(reader.cachedContent(of: 100..<200), at: 100..<200))
    #expect(reader.cachedContent(of: 60_000..<70_000) == nil, "half of it is not at hand")
    #expect(volume.library.reads.isEmpty)
  }

  @Test("a hole is one piece, however large, and is read without packs") func holes() throws {
    let volume = try sample()
    let reader = try volume.reader()
    _ = try reader.content(of: 0..<1)
    volume.library.forgetReads()
    let hole = volume.range(ofChunk: 20).lowerBound..<volume.range(ofChunk: 39).upperBound
    #expect(try reader.content(of: hole) == [.hole(lengthBytes: UInt64(20 * Self.chunk))])
    #expect(
      reader.cachedContent(of: hole.lowerBound + 7..<hole.upperBound - 7)
        == [.hole(lengthBytes: UInt64(20 * Self.chunk - 14))])
    #expect(volume.library.reads.isEmpty)
  }

  @Test("adjacent records are one read; slices share the chunk's memory") func coalescing()
    throws
  {
    let volume = try sample()
    let reader = try volume.reader()
    _ = try reader.content(of: volume.range(ofChunk: 20))
    volume.library.forgetReads()
    let range = 6 * UInt64(Self.chunk)..<14 * UInt64(Self.chunk)
    #expect(try volume.holds(reader.content(of: range), at: range))
    #expect(volume.library.reads.count == 1)
  }

  @Test("a chunk or base that many threads request is read once") func oneFetch()
    async throws
  {
    let volume = try sample()
    try volume.change([41], to: 9)
    let reader = try volume.reader()
    _ = try reader.content(of: 0..<1)
    let library = volume.library
    library.forgetReads()
    library.gate.close()
    let range = volume.range(ofChunk: 41)
    let threads = try (0..<8).map { index in
      try WorkerThread(name: "want-\(index)") {
        #expect(throws: Never.self) { _ = try reader.content(of: range) }
      }
    }
    library.gate.waitForArrival(of: 2)
    library.gate.open()
    for thread in threads { thread.join() }
    #expect(volume.holds(reader.cachedContent(of: range), at: range))
    #expect(library.reads.count == 2, "the delta and its base")
    #expect(library.thoroughReads.isEmpty)
  }

  @Test("a returned slice stays valid after its chunk is evicted")
  func slicesOutliveTheCache() throws {
    let volume = try sample()
    let reader = try volume.reader(fetcher: volume.fetcher { $0.cacheBytes = 16 * Self.chunk })
    let ranges = (41..<60).map { volume.range(ofChunk: $0).lowerBound + 5 }.map { $0..<$0 + 9999 }
    let kept = try ranges.map { try reader.content(of: $0) }
    for _ in 0..<3 {
      for number in 0..<60 { _ = try reader.content(of: volume.range(ofChunk: number)) }
    }
    #expect(zip(kept, ranges).allSatisfy { volume.holds($0, at: $1) })
  }

  @Test("every byte is right with many threads, a small cache, deltas and read-ahead")
  func manyThreads() throws {
    let volume = try sample(chunks: 100)
    for night in 1...3 as ClosedRange<UInt8> { try volume.change(45..<80, to: night) }
    let reader = try volume.reader(fetcher: volume.fetcher { $0.cacheBytes = 24 * Self.chunk })
    let bytes = volume.bytes
    let wrong = Atomic(0)
    let seed = SeededRandom().seed
    let threads = try (0..<6 as Range<UInt64>).map { number in
      try WorkerThread(name: "reader-\(number)") {
        var random = SeededRandom(seed: seed &+ number)
        var position = UInt64.random(in: 0..<reader.sizeBytes, using: &random)
        for step in 0..<120 {
          if step % 20 == 0 { position = UInt64.random(in: 0..<reader.sizeBytes, using: &random) }
          let range = position..<min(position + 50_000, reader.sizeBytes)
          let pieces = reader.cachedContent(of: range) ?? (try? reader.content(of: range))
          if !SampleVolume.holds(pieces, bytes, at: range) { wrong.add(1, ordering: .relaxed) }
          position = range.upperBound == reader.sizeBytes ? 0 : range.upperBound
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(wrong.load(ordering: .relaxed) == 0, "VARVE_TEST_SEED=\(seed)")
  }

  @Test("the range of a request is checked") func invalidRange() throws {
    let volume = try sample()
    let reader = try volume.reader()
    let beyond = reader.sizeBytes - 1..<reader.sizeBytes + 1
    #expect(reader.cachedContent(of: beyond) == nil)
    #expect { try reader.content(of: beyond) } throws: {
      ($0 as? VolumeReadError)?.code == .invalidRange
    }
    #expect { try reader.allocation(of: beyond, limit: 1) } throws: {
      ($0 as? VolumeReadError)?.code == .invalidRange
    }
  }

  @Test("allocation distinguishes data from holes by the map alone") func allocation() throws {
    let volume = try sample()
    let reader = try volume.reader()
    _ = try reader.content(of: 0..<1)
    volume.library.forgetReads()
    let extents = try reader.allocation(of: 0..<reader.sizeBytes, limit: 10)
    #expect(extents.map(\.isHole) == [false, true, false, true, false])
    #expect(extents.map { Int($0.offsetBytes) / Self.chunk } == [0, 5, 6, 20, 40])
    #expect(volume.library.reads.isEmpty)
  }
}

// MARK: - Counting

extension VolumeReaderTests {
  @Test("hits, misses and reads of packs are counted") func statistics() throws {
    let volume = try sample()
    try volume.change([41], to: 9)
    let fetcher = try volume.fetcher { $0.cacheBytes = 20 * Self.chunk }
    let reader = try volume.reader(fetcher: fetcher)
    var expected = fetcher.statistics
    #expect(expected.cacheLimitBytes == 20 * Self.chunk)
    #expect(expected.missCount == 0 && expected.hitCount == 0 && expected.cachedBytes == 0)

    volume.library.forgetReads()
    _ = try reader.content(
      of: volume.range(ofChunk: 44).lowerBound..<volume.range(ofChunk: 46).upperBound)
    expected.missCount = 3
    expected.packReadCount = 1
    expected.packReadBytes = UInt64(volume.library.reads.last?.range.count ?? 0)
    expected.cachedBytes = 3 * Self.chunk
    #expect(fetcher.statistics == expected)

    #expect(reader.cachedContent(of: volume.range(ofChunk: 45)) != nil)
    #expect(reader.cachedContent(of: volume.range(ofChunk: 30)) != nil, "a hole is no chunk")
    #expect(reader.cachedContent(of: volume.range(ofChunk: 50)) == nil)
    _ = try reader.content(of: volume.range(ofChunk: 46))
    expected.hitCount = 2
    #expect(fetcher.statistics == expected)

    // A delta and its base, which is cached like any other chunk.
    _ = try reader.content(of: volume.range(ofChunk: 41))
    expected.missCount = 4
    expected.packReadCount = 3
    #expect(fetcher.statistics.missCount == expected.missCount)
    #expect(fetcher.statistics.packReadCount == expected.packReadCount)
    #expect(fetcher.statistics.cachedBytes == 5 * Self.chunk)
    for number in 0..<60 { _ = try reader.content(of: volume.range(ofChunk: number)) }
    #expect(fetcher.statistics.cachedBytes <= 20 * Self.chunk)
  }
}

// MARK: - Reading ahead

extension VolumeReaderTests {
  @Test("a sequential reader finds the next content cached") func sequentialAccess() throws {
    let volume = try sample(chunks: 200)
    let fetcher = try volume.fetcher()
    let reader = try volume.reader(fetcher: fetcher)
    let start = volume.range(ofChunk: 41).lowerBound
    for step in 0..<3 as Range<UInt64> {
      let range = start + step << 16..<start + (step + 1) << 16
      #expect(volume.holds(try reader.content(of: range), at: range))
    }
    let next = start + 3 << 16..<start + 3 << 16 + AccessPattern.firstWindowBytes
    let deadline = ContinuousClock.now + .seconds(60)
    while reader.cachedContent(of: next) == nil, .now < deadline { WorkerThread.nap() }
    #expect(volume.holds(reader.cachedContent(of: next), at: next))
    #expect(fetcher.statistics.missCount <= 3)
    #expect(fetcher.statistics.readAheadCount >= AccessPattern.firstWindowBytes >> 16)
  }

  @Test("random reads cause no more reads than there are requested chunks")
  func randomAccess() throws {
    var random = SeededRandom()
    let volume = try sample(chunks: 800)
    let reader = try volume.reader()
    _ = try reader.content(of: 0..<1)
    volume.library.forgetReads()
    let chunks = Set((0..<40).map { _ in Int.random(in: 41..<800, using: &random) })
    for chunk in chunks.shuffled(using: &random) {
      _ = try reader.content(of: volume.range(ofChunk: chunk))
    }
    WorkerThread.nap()
    // Some random requests are neighbours by chance, so a little is read ahead.
    #expect(volume.library.reads.count < chunks.count * 3 / 2, "\(random)")
  }
}

extension WorkerThread {
  /// Waits a few milliseconds.
  static func nap() { usleep(3000) }
}
