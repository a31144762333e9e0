import Glibc
import Synchronization
import TestSupport
import Testing
import VolumeMap
import Workers

@testable import Overlays

@Suite("An overlay compared with an array")
struct ModelTests {
  /// A little more than two pages of states, with parts of 48 MiB.
  private static let sizeBytes = (130 << 20) + 777
  /// The boundaries of pages, parts, chunks and the volume.
  private static let hotSpots = [0, 48 << 20, 64 << 20, 96 << 20, 128 << 20, sizeBytes]

  private enum Action: CaseIterable {
    case write, writeBlocks, zero, zeroKeeping, trim, read, readHot, allocation, flush, reopen
    case largeTrim
  }

  @Test("random operations", arguments: [1, 2, 3])
  func operations(round: Int) throws {
    var random = SeededRandom()
    // The volume is a hole, except for data at the hot spots.
    var model = [UInt8](repeating: 0, count: Self.sizeBytes)
    for spot in Self.hotSpots.dropLast() {
      for index in stride(from: spot, to: min(spot + 300_000, model.count), by: 3) {
        model[index] = UInt8.random(in: 1...255, using: &random)
      }
    }
    var bench = try OverlayBench(MemoryVolume(model, isCached: round == 2))
    if round == 3 { bench.limits = StateTable.Limits(cleanPages: 1, dirtyPages: 1) }
    var volume = try bench.create()
    for _ in 0..<250 {
      let range = Self.range(using: &random)
      let bytes = UInt64(range.lowerBound)..<UInt64(range.upperBound)
      switch Action.allCases.randomElement(using: &random)! {
      case .write:
        let new = random.bytes(range.count)
        try volume.write(new, at: bytes.lowerBound)
        model.replaceSubrange(range, with: new)
      case .writeBlocks:
        let start = range.lowerBound / 4096 * 4096
        let new = random.bytes(
          min(4096 * Int.random(in: 1...20, using: &random), model.count - start))
        try volume.write(new, at: UInt64(start))
        model.replaceSubrange(start..<start + new.count, with: new)
      case .zero:
        try volume.zero(bytes, mayTrim: true)
        model.clear(range)
      case .zeroKeeping:
        try volume.zero(bytes, mayTrim: false)
        model.clear(range)
      case .trim:
        try volume.trim(bytes)
        model.clear(Self.wholeBlocks(range))
      case .largeTrim where Int.random(in: 0..<10, using: &random) == 0:
        let start = Int.random(in: 0..<model.count, using: &random)
        try volume.trim(UInt64(start)..<UInt64(model.count))
        model.clear(Self.wholeBlocks(start..<model.count))
      case .read, .largeTrim:
        #expect(try volume.bytes(bytes).isEqual(to: Array(model[range])), "\(random)")
      case .readHot:
        let spot = Self.hotSpots.randomElement(using: &random)!
        let window = max(0, spot - 400_000)..<min(model.count, spot + 400_000)
        #expect(
          try volume.bytes(UInt64(window.lowerBound)..<UInt64(window.upperBound))
            .isEqual(to: Array(model[window])), "\(random)")
      case .allocation:
        try Self.checkAllocation(of: volume, in: range, model, "\(random)")
      case .flush: try volume.synchronize()
      case .reopen:
        try volume.synchronize()
        volume = try bench.open()
      }
    }
    #expect(try volume.bytes().isEqual(to: model), "\(random)")
    try volume.synchronize()
    #expect(try bench.open().bytes().isEqual(to: model), "\(random)")
  }

  /// Checks that reported holes read as zeros, and that the extents cover the range without gaps.
  private static func checkAllocation(
    of volume: OverlaidVolume, in range: Range<Int>, _ model: [UInt8], _ comment: Comment
  ) throws {
    var offset = range.lowerBound
    while offset < range.upperBound {
      let extents = try volume.allocation(
        of: UInt64(offset)..<UInt64(range.upperBound), limit: 3)
      #expect((1...3).contains(extents.count), comment)
      for extent in extents {
        #expect(extent.offsetBytes == UInt64(offset), comment)
        let end = offset + Int(extent.lengthBytes)
        #expect(!extent.isHole || model.isZero(offset..<end), comment)
        offset = end
      }
    }
    #expect(offset == range.upperBound, comment)
  }

  private static func range(using random: inout SeededRandom) -> Range<Int> {
    let spot = hotSpots.randomElement(using: &random)!
    let longest = [1, 16, 4096, 10_000, 200_000].randomElement(using: &random)!
    let start = min(
      max(0, spot + Int.random(in: -300_000...300_000, using: &random)), sizeBytes - 1)
    return start..<min(sizeBytes, start + Int.random(in: 1...longest, using: &random))
  }

  private static func wholeBlocks(_ range: Range<Int>) -> Range<Int> {
    let blocks = Block.within(
      UInt64(range.lowerBound)..<UInt64(range.upperBound), ofVolume: UInt64(sizeBytes))
    let bytes = Block.bytes(of: blocks, ofVolume: UInt64(sizeBytes))
    return Int(bytes.lowerBound)..<Int(bytes.upperBound)
  }
}

@Suite("Concurrent writes")
struct ConcurrencyTests {
  /// Each of eight threads writes its own bytes in every block. No byte may be lost because another
  /// thread reads, modifies and writes the block, or zeroes neighbouring bytes.
  @Test("threads that share blocks do not lose bytes")
  func sharedBlocks() throws {
    var random = SeededRandom(seed: 3)
    let blockCount = 64
    let bytes = MemoryVolume.content(count: blockCount * 4096 + 100, using: &random)
    let bench = try OverlayBench(MemoryVolume(bytes))
    let volume = try bench.create()
    let failures = Mutex<[String]>([])
    let threads = try (0..<8).map { thread in
      try WorkerThread(name: "writer") {
        var random = SeededRandom(seed: UInt64(thread))
        for block in (0..<blockCount).shuffled(using: &random) {
          do {
            let offset = UInt64(block * 4096 + thread * 512)
            if block % 5 == 0 { try volume.zero(offset..<offset + 512, mayTrim: true) }
            try volume.write([UInt8](repeating: UInt8(thread + 1), count: 512), at: offset)
            if block % 7 == 0 { try volume.synchronize() }
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    let expected =
      (0..<blockCount).flatMap { _ in
        (1...8).flatMap { [UInt8](repeating: UInt8($0), count: 512) }
      } + bytes.suffix(100)
    #expect(try volume.bytes() == expected)
    try volume.synchronize()
    #expect(try bench.open().bytes() == expected)
  }

  /// Whole blocks are written concurrently with parts. Each block must then match some order of the
  /// writes.
  @Test("overlapping writes match one of their orders")
  func overlapping() throws {
    let bench = try OverlayBench(MemoryVolume([UInt8](repeating: 9, count: 256 * 4096)))
    let volume = try bench.create()
    let actions: [@Sendable (UInt64) throws -> Void] = [
      { try volume.write([UInt8](repeating: 1, count: 4096), at: $0) },
      { try volume.write([2, 2], at: $0 + 100) },
      { try volume.zero($0..<$0 + 4096, mayTrim: true) },
      { _ in try volume.synchronize() },
    ]
    let failures = Mutex<[String]>([])
    let threads = try actions.map { action in
      try WorkerThread(name: "writer") {
        for block in 0..<256 {
          do { try action(UInt64(block) * 4096) } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    for block in 0..<256 {
      let bytes = try volume.bytes(UInt64(block) * 4096..<UInt64(block + 1) * 4096)
      let (around, within) = (Set(bytes[..<100] + bytes[102...]), Set(bytes[100..<102]))
      // If the part was written last, `within` is 2. Otherwise it equals the block that was written
      // last.
      #expect(around == [0] || around == [1], "block \(block)")
      #expect(within == [2] || within == around, "block \(block)")
    }
  }

  /// A write to a part of a block copies the rest of the block. The copy must not be older than a
  /// write that happens in the meantime.
  @Test("copying the rest of a block from the base does not undo other writes")
  func completion() throws {
    let gate = Monitor(false)
    let base = MemoryVolume([UInt8](repeating: 9, count: 8192), gate: gate)
    let bench = try OverlayBench(base)
    let volume = try bench.create()
    let order = Mutex<[String]>([])
    func start(_ name: String, _ body: @escaping @Sendable () throws -> Void) throws -> WorkerThread
    {
      try WorkerThread(name: name) {
        do {
          try body()
          order.withLock { $0.append(name) }
        } catch {
          order.withLock { $0.append("\(error)") }
        }
      }
    }
    let part = try start("part") { try volume.write([2], at: 100) }
    base.waitForRead()
    let whole = try start("whole") { try volume.write([UInt8](repeating: 1, count: 4096), at: 0) }
    let zeros = try start("other block") { try volume.zero(4096..<8192, mayTrim: true) }
    zeros.join()
    usleep(20_000)
    #expect(order.withLock { $0 } == ["other block"], "only what overlaps has to wait")
    gate.withLock { $0 = true }
    gate.broadcast()
    part.join()
    whole.join()
    #expect(order.withLock { $0.sorted() } == ["other block", "part", "whole"])
    #expect(try volume.bytes(0..<4096) == [UInt8](repeating: 1, count: 4096))
  }

  @Test("a concurrent read sees either old or new bytes")
  func reading() throws {
    let bench = try OverlayBench(MemoryVolume([UInt8](repeating: 1, count: 64 * 4096)))
    let volume = try bench.create()
    let isDone = CancellationFlag()
    let strange = Mutex<Set<UInt8>>([])
    let reader = try WorkerThread(name: "reader") {
      while !isDone.isCancelled {
        let bytes = (try? volume.bytes(0..<64 * 4096)) ?? [99]
        strange.withLock { $0.formUnion(Set(bytes).subtracting([1, 2])) }
      }
    }
    for block in 0..<64 {
      try volume.write([UInt8](repeating: 2, count: 100), at: UInt64(block) * 4096 + 50)
      try volume.write([UInt8](repeating: 2, count: 4096), at: UInt64(block) * 4096)
      if block % 8 == 0 { try volume.synchronize() }
    }
    isDone.cancel()
    reader.join()
    #expect(strange.withLock { $0 } == [])
  }
}
