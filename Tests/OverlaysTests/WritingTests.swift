import TestSupport
import Testing
import VolumeMap
import VolumeReader

@testable import Overlays

@Suite("Writing to an overlay")
struct WritingTests {
  private static let sizeBytes = 5 * MemoryVolume.chunkBytes + 1234
  private let bytes: [UInt8]
  private let bench: OverlayBench
  private let volume: OverlaidVolume

  init() throws {
    var random = SeededRandom(seed: 7)
    bytes = MemoryVolume.content(count: Self.sizeBytes, using: &random)
    bench = try OverlayBench(MemoryVolume(bytes))
    volume = try bench.create()
  }

  private func expect(
    _ expected: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try volume.bytes().isEqual(to: expected), sourceLocation: sourceLocation)
    try volume.synchronize()
    #expect(try bench.open().bytes().isEqual(to: expected), sourceLocation: sourceLocation)
  }

  @Test("unwritten content comes from the base")
  func untouched() throws { try expect(bytes) }

  @Test(
    "a write changes only its own bytes",
    arguments: [
      (0, 1), (4095, 1), (4096, 1), (4095, 2), (0, 4096), (100, 4096), (4000, 9000),
      (65_000, 2000), (65_536, 65_536), (130_000, 1), (5 * 65_536, 1234), (5 * 65_536 + 1233, 1),
      (4 * 65_536 + 65_535, 1235), (0, 5 * 65_536 + 1234),
    ] as [(Int, Int)])
  func write(at offset: Int, count: Int) throws {
    var random = SeededRandom(seed: 9)
    var expected = bytes
    // The second write finds blocks that are already in the overlay.
    for _ in 0..<2 {
      let new = random.bytes(count)
      expected.replaceSubrange(offset..<offset + count, with: new)
      try volume.write(new, at: UInt64(offset))
      try expect(expected)
    }
  }

  @Test("two parts of a block can be written one after the other")
  func partsOfABlock() throws {
    try volume.write([1], at: 10)
    try volume.write([2], at: 4000)
    var expected = bytes
    expected[10] = 1
    expected[4000] = 2
    try expect(expected)
  }

  @Test(
    "zeroing changes only its own bytes, with and without freeing space",
    arguments: [true, false],
    [
      (0, 1), (100, 5000), (4096, 8192), (60_000, 80_000), (65_536, 65_536),
      (5 * 65_536, 1234), (5 * 65_536 + 1233, 1), (0, 5 * 65_536 + 1234),
    ] as [(Int, Int)])
  func zero(mayTrim: Bool, range: (offset: Int, count: Int)) throws {
    var expected = bytes
    for isWritten in [false, true] {
      if isWritten {
        var random = SeededRandom(seed: 11)
        expected = random.bytes(Self.sizeBytes)
        try volume.write(expected, at: 0)
      }
      let end = range.offset + range.count
      try volume.zero(UInt64(range.offset)..<UInt64(end), mayTrim: mayTrim)
      expected.replaceSubrange(
        range.offset..<end, with: repeatElement(0, count: range.count))
      try expect(expected)
    }
  }

  @Test("trimming zeroes whole blocks and does not change parts of blocks")
  func trim() throws {
    try volume.trim(100..<4000)
    try expect(bytes)
    try volume.trim(100..<20_000)
    var expected = bytes
    expected.replaceSubrange(4096..<16_384, with: repeatElement(0, count: 12_288))
    try expect(expected)
    // The last block counts as whole, even if it is short.
    try volume.trim(UInt64(5 * 65_536)..<UInt64(Self.sizeBytes))
    expected.replaceSubrange(5 * 65_536..<Self.sizeBytes, with: repeatElement(0, count: 1234))
    try expect(expected)
    try volume.trim(0..<UInt64(Self.sizeBytes))
    try expect([UInt8](repeating: 0, count: Self.sizeBytes))
  }

  @Test("a write over zeros does not bring back old content")
  func writeOverZeros() throws {
    try volume.write([UInt8](repeating: 0xaa, count: 8192), at: 0)
    try volume.zero(0..<8192, mayTrim: true)
    try volume.write([1], at: 5000)
    var expected = bytes
    expected.replaceSubrange(0..<8192, with: repeatElement(0, count: 8192))
    expected[5000] = 1
    try expect(expected)
  }

  @Test("space is freed, allocated on request, and not used for the base's holes")
  func space() throws {
    let chunk = UInt64(MemoryVolume.chunkBytes)
    let empty = try bench.allocatedBytes()
    try volume.write([UInt8](repeating: 1, count: 2 * MemoryVolume.chunkBytes), at: 0)
    #expect(try bench.allocatedBytes() >= empty + 2 * chunk)
    try volume.trim(0..<2 * chunk)
    // A page of states, and their pending changes.
    #expect(try bench.allocatedBytes() <= empty + 8 * 4096)
    // The second chunk is a hole in the base, the first one is not.
    #expect(try volume.overlay.states.hold(.zero, in: 0..<16))
    #expect(try volume.overlay.states.hold(.base, in: 16..<32))
    try volume.zero(0..<2 * chunk, mayTrim: false)
    #expect(try bench.allocatedBytes() >= empty + 2 * chunk)
  }

  @Test("allocation distinguishes data from zeros")
  func allocation() throws {
    try volume.write([1], at: 70_000)
    try volume.zero(0..<8192, mayTrim: true)
    let extents = try volume.allocation(of: 0..<UInt64(Self.sizeBytes), limit: 100)
    #expect(
      extents.map { "\($0.offsetBytes)+\($0.lengthBytes) \($0.isHole ? "hole" : "data")" } == [
        "0+8192 hole", "8192+57344 data", "65536+4096 hole", "69632+4096 data",
        "73728+57344 hole", "131072+131072 data", "262144+65536 hole", "327680+1234 data",
      ])
    let first = try volume.allocation(of: 100..<UInt64(Self.sizeBytes), limit: 1)
    #expect(first == [AllocationExtent(offsetBytes: 100, lengthBytes: 8092, isHole: true)])
    #expect(try volume.allocation(of: 0..<UInt64(Self.sizeBytes), limit: 3).count == 3)
  }

  @Test("ranges beyond the end are refused, and change nothing")
  func beyondTheEnd() throws {
    let end = UInt64(Self.sizeBytes)
    for action in [
      { try volume.write([1, 2], at: end - 1) }, { try volume.write([1], at: .max) },
      { try volume.zero(end - 1..<end + 1, mayTrim: true) }, { try volume.trim(end..<end + 4096) },
      { _ = try volume.content(of: 0..<end + 1) },
      { _ = try volume.allocation(of: 0..<end + 1, limit: 1) },
    ] as [() throws -> Void] {
      let error = #expect(throws: OverlayError.self) { try action() }
      #expect(error?.code == .invalidRequest)
    }
    try expect(bytes)
  }

  @Test("an empty write is possible")
  func nothing() throws {
    try volume.write([], at: UInt64(Self.sizeBytes))
    try volume.zero(5..<5, mayTrim: true)
    try volume.trim(4096..<4096)
    try expect(bytes)
  }

  @Test("an unreadable base affects only operations that need it")
  func damagedBase() throws {
    let bench = try OverlayBench(MemoryVolume(bytes, failing: 0..<65_536))
    let volume = try bench.create()
    for action in [
      { try volume.write([1], at: 10) }, { _ = try volume.content(of: 0..<1) },
      { try volume.zero(10..<20, mayTrim: true) },
    ] as [() throws -> Void] {
      let error = #expect(throws: OverlayError.self) { try action() }
      #expect(error?.code == .unreadableBase)
      #expect(error?.description.contains("pack f00d") == true)
    }
    let new = [UInt8](repeating: 3, count: 4096)
    try volume.write(new, at: 0)
    try volume.write([9], at: 10)
    #expect(try volume.bytes(0..<4096) == new[..<10] + [9] + new[11...])
    try volume.trim(4096..<8192)
    #expect(try volume.bytes(4096..<8192).allSatisfy { $0 == 0 })
  }

  @Test("an overlay of another size is refused")
  func otherSize() throws {
    let error = #expect(throws: OverlayError.self) {
      try OverlaidVolume(base: SparseVolume(sizeBytes: 5), overlay: volume.overlay)
    }
    #expect(error?.code == .damaged)
  }

  @Test("volumes of one byte or of none are supported", arguments: [0, 1, 4096, 4097])
  func small(count: Int) throws {
    let bytes = [UInt8](repeating: 5, count: count)
    let bench = try OverlayBench(MemoryVolume(bytes))
    let volume = try bench.create()
    #expect(try volume.bytes() == bytes)
    let new = [UInt8](repeating: 6, count: count)
    try volume.write(new, at: 0)
    try volume.synchronize()
    #expect(try bench.open().bytes() == new)
    try volume.zero(0..<UInt64(count), mayTrim: true)
    #expect(try volume.bytes() == [UInt8](repeating: 0, count: count))
  }

  @Test("cached content is returned without waiting, other content is not")
  func cachedContent() throws {
    #expect(volume.cachedContent(of: 0..<4096) == nil, "no states are in memory yet")
    _ = try volume.content(of: 0..<4096)
    #expect(volume.cachedContent(of: 0..<70_000)?.bytes == Array(bytes[..<70_000]))
    try volume.zero(8192..<12_288, mayTrim: true)
    #expect(try volume.cachedContent(of: 4096..<20_000)?.bytes == volume.bytes(4096..<20_000))
    try volume.write([1], at: 0)
    #expect(volume.cachedContent(of: 0..<4096) == nil, "data of the overlay has to be read")
    #expect(volume.cachedContent(of: 4096..<8192) != nil)
    let slowBench = try OverlayBench(MemoryVolume(bytes, isCached: false))
    let slow = try slowBench.create()
    _ = try slow.content(of: 0..<1)
    #expect(slow.cachedContent(of: 0..<1) == nil)
  }
}
