import TestSupport
import Testing

@testable import VolumeReader

/// Sequences of requests, and the expected read-ahead.
@Suite struct AccessPatternTests {
  private static let size: UInt64 = 1 << 40
  private static let mebibyte: UInt64 = 1 << 20

  @Test("the third request in order begins a stream, whose window doubles") func begins() {
    var pattern = AccessPattern(cacheBytes: 64 << 20)
    var reads: [Range<UInt64>] = []
    for start in stride(from: 0, to: 16 * Self.mebibyte, by: 1 << 18) as StrideTo<UInt64> {
      let read = pattern.note(start..<start + (1 << 18), wasMiss: true, sizeBytes: Self.size)
      if start < 2 << 18 { #expect(read == nil) }
      if let read { reads.append(read.range) }
    }
    #expect(reads.first == 3 << 18..<3 << 18 + Self.mebibyte)
    for (read, next) in zip(reads, reads.dropFirst()) {
      #expect(next.lowerBound >= read.upperBound, "nothing is read ahead twice")
    }
    #expect(reads.allSatisfy { $0.count <= Int(AccessPattern.largestWindowBytes) })
    #expect(reads.last!.upperBound > 17 * Self.mebibyte)
    #expect(reads.last!.upperBound <= 20 * Self.mebibyte)
  }

  @Test("several streams at once, each with requests out of order") func overtaking() {
    var random = SeededRandom(seed: 1)
    var pattern = AccessPattern(cacheBytes: 64 << 20)
    var readBytes = 0
    for step in 0..<32 as Range<UInt64> {
      for stream in 0..<4 as Range<UInt64> {
        for piece in (0..<4 as Range<UInt64>).shuffled(using: &random) {
          let start = stream << 36 + step << 18 + piece << 16
          let read = pattern.note(start..<start + 1 << 16, wasMiss: true, sizeBytes: Self.size)
          readBytes += read?.range.count ?? 0
        }
      }
    }
    #expect(readBytes > 4 * 8 << 20, "all of the four streams are read ahead")
    #expect(readBytes < 4 * 13 << 20, "by no more than their windows")
  }

  @Test("random requests begin no stream") func randomRequests() {
    var random = SeededRandom()
    var pattern = AccessPattern(cacheBytes: 64 << 20)
    for _ in 0..<10_000 {
      let start = UInt64.random(in: 0..<Self.size - 4096, using: &random)
      #expect(
        pattern.note(start..<start + 4096, wasMiss: true, sizeBytes: Self.size) == nil, "\(random)")
    }
  }

  @Test("reading one place again and again begins no stream") func repeated() {
    var pattern = AccessPattern(cacheBytes: 64 << 20)
    for _ in 0..<100 {
      #expect(pattern.note(4096..<8192, wasMiss: false, sizeBytes: Self.size) == nil)
    }
  }

  @Test("reading backwards begins no stream") func backwards() {
    var pattern = AccessPattern(cacheBytes: 64 << 20)
    for start in stride(from: 100 << 16, to: 0, by: -(1 << 16)) as StrideTo<UInt64> {
      #expect(
        pattern.note(start..<start + 1 << 16, wasMiss: true, sizeBytes: Self.size) == nil)
    }
  }

  @Test("nothing is read beyond the end") func end() {
    var pattern = AccessPattern(cacheBytes: 64 << 20)
    let size: UInt64 = 700_000
    var end: UInt64 = 0
    for start in stride(from: 0, to: size - 100_000, by: 100_000) as StrideTo<UInt64> {
      let read = pattern.note(start..<start + 100_000, wasMiss: true, sizeBytes: size)
      end = max(end, read?.range.upperBound ?? 0)
    }
    #expect(end == size)
  }

  @Test("a small cache is not flooded") func smallCache() {
    var pattern = AccessPattern(cacheBytes: 1 << 20)
    for start in stride(from: 0, to: 1 << 24, by: 1 << 14) as StrideTo<UInt64> {
      let read = pattern.note(start..<start + 1 << 14, wasMiss: true, sizeBytes: Self.size)
      #expect((read?.range.upperBound ?? 0) <= start + 1 << 14 + 1 << 16)
    }
  }

  @Test("a stream that finds everything cached reads ahead again after a miss") func warm() {
    var pattern = AccessPattern(cacheBytes: 64 << 20)
    func next(_ index: UInt64, wasMiss: Bool) -> AccessPattern.ReadAhead? {
      pattern.note(
        index << 20..<(index + 1) << 20, wasMiss: wasMiss, sizeBytes: Self.size)
    }
    #expect((0..<3 as Range<UInt64>).compactMap { next($0, wasMiss: true) }.count == 1)
    let read = next(3, wasMiss: false)
    #expect(read != nil)
    if let read { pattern.noteNothingToDo(read) }
    #expect((4..<20 as Range<UInt64>).compactMap { next($0, wasMiss: false) }.isEmpty)
    #expect(next(20, wasMiss: true) != nil)
  }
}
