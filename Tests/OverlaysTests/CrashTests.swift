import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import Overlays

/// Overlays on a file system that loses power. Flushed data must be there, and every other sector
/// must be old or new. If only the process is killed, all answered writes must be there.
///
/// With `VARVE_CRASH_SEEDS=N`, the power fails N times after every single operation; without it,
/// once.
@Suite("Overlays and crashes")
struct CrashTests {
  private static let directory: FilePath = "/overlay"
  private static let blockCount = 24
  private static let sizeBytes = blockCount * 4096 + 700
  private static let sectorBytes = 512
  private static let seeds =
    getenv("VARVE_CRASH_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 1

  /// The expected volume after a step, and the file system operations of the step.
  private struct Step {
    let content: [UInt8]
    let operations: Range<Int>
    let isFlush: Bool
  }

  private let fileSystem = SimulatedFileSystem()
  private var random = SeededRandom()
  private let base: MemoryVolume
  private let baseBytes: [UInt8]

  init() throws {
    // The first chunk is data, the rest is a hole.
    baseBytes =
      random.bytes(MemoryVolume.chunkBytes)
      + [UInt8](repeating: 0, count: Self.sizeBytes - MemoryVolume.chunkBytes)
    base = MemoryVolume(baseBytes)
    try fileSystem.createDirectory(Self.directory, permissions: .ownerReadWriteExecute)
    try fileSystem.synchronizeDirectory("/")
  }

  private func bench(on fileSystem: any FileSystem) -> OverlayBench {
    OverlayBench(base, in: Self.directory, of: fileSystem)
  }

  /// Runs random writes, zeroings, trims and flushes.
  private mutating func run(_ count: Int, on fileSystem: any FileSystem) throws -> [Step] {
    let volume = try bench(on: fileSystem).create()
    var content = baseBytes
    var begin = self.fileSystem.operationCount
    var steps = [Step(content: content, operations: 0..<begin, isFlush: true)]
    for _ in 0..<count {
      let start = Int.random(in: 0..<Self.sizeBytes, using: &random)
      let longest = [100, 4096, 20_000].randomElement(using: &random)!
      let range = start..<min(Self.sizeBytes, start + Int.random(in: 1...longest, using: &random))
      let bytes = UInt64(range.lowerBound)..<UInt64(range.upperBound)
      let kind = Int.random(in: 0..<10, using: &random)
      switch kind {
      case 0..<5:
        let new = random.bytes(range.count)
        try volume.write(new, at: bytes.lowerBound)
        content.replaceSubrange(range, with: new)
      case 5:
        try volume.zero(bytes, mayTrim: true)
        content.replaceSubrange(range, with: repeatElement(0, count: range.count))
      case 6:
        let whole = Block.bytes(
          of: Block.within(bytes, ofVolume: UInt64(Self.sizeBytes)),
          ofVolume: UInt64(Self.sizeBytes))
        try volume.trim(bytes)
        content.replaceSubrange(
          Int(whole.lowerBound)..<Int(whole.upperBound), with: repeatElement(0, count: whole.count))
      default: try volume.synchronize()
      }
      let end = self.fileSystem.operationCount
      steps.append(Step(content: content, operations: begin..<end, isFlush: kind > 6))
      begin = end
    }
    return steps
  }

  /// Returns the sectors that have neither the flushed content nor a later write. If answered
  /// writes must not be lost, returns the sectors that differ from the last answered step.
  private func wrongSectors(
    of crashed: any FileSystem, at count: Int, after steps: [Step], losesAnswered: Bool = true
  ) throws -> [Int] {
    let found = try bench(on: crashed).open().bytes()
    let kept = steps.lastIndex {
      ($0.isFlush || !losesAnswered) && $0.operations.upperBound <= count
    }!
    let possible = steps[kept...].prefix {
      $0.operations.lowerBound < count || $0.operations.upperBound <= count
    }
    return stride(from: 0, to: Self.sizeBytes, by: Self.sectorBytes).filter { start in
      let sector = start..<min(start + Self.sectorBytes, Self.sizeBytes)
      return !possible.contains { $0.content[sector] == found[sector] }
    }
  }

  @Test("after a power failure at any moment, flushed data is there and the rest is valid")
  mutating func powerFailures() throws {
    let steps = try run(60, on: fileSystem)
    for count in steps[0].operations.upperBound...fileSystem.operationCount {
      for _ in 0..<Self.seeds {
        let crashed = fileSystem.afterPowerFailure(at: count, using: &random)
        #expect(
          try wrongSectors(of: crashed, at: count, after: steps) == [], "at \(count), \(random)")
      }
    }
  }

  @Test("after a kill at any moment, answered writes are there")
  mutating func kills() throws {
    let steps = try run(60, on: fileSystem)
    for count in steps[0].operations.upperBound...fileSystem.operationCount {
      let left = fileSystem.afterKill(at: count)
      #expect(
        try wrongSectors(of: left, at: count, after: steps, losesAnswered: false) == [],
        "at \(count), \(random)")
      // The next flush also covers writes that the killed process has answered.
      try bench(on: left).open().synchronize()
      let failed = left.afterPowerFailure(at: left.operationCount, using: &random)
      #expect(
        try wrongSectors(of: failed, at: count, after: steps, losesAnswered: false) == [],
        "power failure after \(count), \(random)")
    }
  }

  @Test("opening after a kill survives a further kill or power failure at any moment")
  mutating func interruptedTakingOver() throws {
    let steps = try run(60, on: fileSystem)
    let counts = steps[0].operations.upperBound...fileSystem.operationCount
    for count in counts.shuffled(using: &random).prefix(20) {
      let left = fileSystem.afterKill(at: count)
      _ = try bench(on: left).open()
      for end in count...left.operationCount {
        #expect(
          try wrongSectors(
            of: left.afterKill(at: end), at: count, after: steps, losesAnswered: false) == [],
          "at \(count), then at \(end), \(random)")
        let failed = left.afterPowerFailure(at: end, using: &random)
        #expect(
          try wrongSectors(of: failed, at: count, after: steps) == [],
          "at \(count), power failure at \(end), \(random)")
      }
    }
  }

  @Test("using pending states from before a power failure would be detected")
  func wrongBoot() throws {
    let new = [UInt8](repeating: 7, count: 16_384)
    let volume = try bench(on: fileSystem).create()
    try volume.write(new, at: 0)
    var wrong = 0
    for seed in 0..<200 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let crashed = CarelessFileSystem(
        fileSystem.afterPowerFailure(at: fileSystem.operationCount, using: &random),
        lapse: .boots(as: fileSystem.bootID()))
      let found = try bench(on: crashed).open().bytes(0..<16_384)
      wrong += stride(from: 0, to: found.count, by: Self.sectorBytes).count { start in
        let sector = start..<start + Self.sectorBytes
        return found[sector] != new[sector] && found[sector] != baseBytes[sector]
      }
    }
    #expect(wrong > 10)
  }

  /// A machine that resumes from a memory snapshot has the boot ID of the snapshot.
  @Test("removed pending states do not reappear in a boot in which they are valid")
  func resumedMachine() throws {
    let old = [UInt8](repeating: 7, count: 16_384)
    try bench(on: fileSystem).create().write(old, at: 0)
    var random = SeededRandom(seed: 1)
    let end = fileSystem.operationCount
    // With some seeds, its pending states happen to be on the disk.
    for seed in 0..<40 as Range<UInt64> {
      random = SeededRandom(seed: seed)
      let restarted = fileSystem.afterPowerFailure(at: end, using: &random)
      let new = [UInt8](repeating: 9, count: 4096)
      let volume = try bench(on: restarted).open()
      try volume.write(new, at: 0)
      try volume.zero(4096..<16_384, mayTrim: true)
      try volume.synchronize()
      let settled = try volume.bytes(0..<16_384)
      let failed = CarelessFileSystem(
        restarted.afterPowerFailure(at: restarted.operationCount, using: &random),
        lapse: .boots(as: fileSystem.bootID()))
      #expect(try bench(on: failed).open().bytes(0..<16_384) == settled, "seed \(seed)")
    }
  }

  @Test("a missing synchronisation would be detected", arguments: ["data-", "state"])
  mutating func carelessness(file: String) throws {
    let careless = CarelessFileSystem(fileSystem, lapse: .contents(of: file))
    let steps = try run(60, on: careless)
    var wrong = 0
    for count in steps[0].operations.upperBound...fileSystem.operationCount {
      let crashed = fileSystem.afterPowerFailure(at: count, using: &random)
      wrong += (try? wrongSectors(of: crashed, at: count, after: steps).count) ?? 1
    }
    #expect(wrong > 0, "\(random)")
  }
}
