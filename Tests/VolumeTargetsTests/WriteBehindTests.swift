import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import VolumeTargets

@Suite struct WriteBehindTests {
  private static let piece: UInt64 = 128 << 10

  @Test(arguments: [false, true])
  func everythingIsStartedOnceAndCompletedLater(isShuffled: Bool) {
    var random = SeededRandom()
    var offsets = (0..<640).map { UInt64($0) * Self.piece }
    if isShuffled { offsets.shuffle(using: &random) }
    var behind = WriteBehind()
    var started: Set<UInt64> = []
    var completed: Set<UInt64> = []
    for (index, offset) in offsets.enumerated() {
      guard let step = behind.didWrite(offset..<offset + Self.piece) else { continue }
      for piece in pieces(of: step.toStart) { #expect(started.insert(piece).inserted, "\(random)") }
      for piece in pieces(of: step.toComplete) {
        #expect(started.contains(piece), "\(random)")
        #expect(completed.insert(piece).inserted, "\(random)")
      }
      // At most 40 MiB have not reached the storage yet.
      #expect(index + 1 - completed.count <= 5 * 64, "\(random)")
    }
    #expect(started.count == 640)
    #expect(completed.count == 640 - 4 * 64)
  }

  private func pieces(of ranges: [Range<UInt64>]) -> [UInt64] {
    ranges.flatMap { Array(stride(from: $0.lowerBound, to: $0.upperBound, by: Int(Self.piece))) }
  }

  @Test(.enabled(if: TemporaryDirectory.dropsPages, "needs a temporary directory on a disk"))
  func aLargeRestoreArrivesAndLeavesNothingInThePageCache() throws {
    var random = SeededRandom()
    let directory = try TemporaryDirectory()
    let path = directory.appending("disk.raw")
    let target = try openTarget(path.string, force: false)
    let bytes = random.bytes(64 << 20)
    try target.prepare(sizeBytes: UInt64(bytes.count))
    var offsets = stride(from: 0, to: bytes.count, by: 128 << 10).map { $0 }
    offsets.shuffle(using: &random)
    for offset in offsets { try target.write(bytes[offset..<offset + 128 << 10], at: offset) }

    let file = try Descriptor(opening: path, flags: O_RDONLY)
    let before = try residentCount(file)
    #expect(before <= 5 * 64, "of 512 while being written, \(random)")
    try target.finish()
    #expect(try residentCount(file) == 0, "\(random)")
    #expect(try target.read(bytes.count, at: 0) == bytes, "\(random)")
    target.abandon()
    #expect(try residentCount(file) == 0, "after reading back, \(random)")
  }

  /// The number of pieces that have a page in the page cache.
  private func residentCount(_ file: borrowing Descriptor) throws -> Int {
    try file.residentBlocks(at: 0, lengthBytes: 64 << 20, blockBytes: Int(Self.piece)).count { $0 }
  }
}
