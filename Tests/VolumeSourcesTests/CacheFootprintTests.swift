import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing
import VolumeSources

@Suite struct CacheFootprintTests {
  static let sizeBytes = 96 << 20
  static let hotBytes = (40 << 20)..<(52 << 20)

  @Test(
    .enabled(if: TemporaryDirectory.dropsPages, "needs a temporary directory on a disk"),
    arguments: [128 << 10, 1 << 20, 4 << 20])
  func whatWasHotStaysAndNothingElseIsLeft(pieceBytes: Int) throws {
    let directory = try TemporaryDirectory()
    let path = try directory.file("disk.raw", [UInt8](repeating: 1, count: Self.sizeBytes))
    let file = try Descriptor(opening: path, flags: O_RDWR)
    try file.synchronize()
    file.advise(.notNeeded)
    var hot = [UInt8](repeating: 0, count: Self.hotBytes.count)
    _ = try hot.withUnsafeMutableBytes {
      try file.read(into: $0, at: UInt64(Self.hotBytes.lowerBound))
    }
    let before = try settledResidentMebibytes(file)
    try #require(before.contains(true) && before.contains(false))

    let source = try openSource(path.string)
    _ = try source.readWhole(pieceBytes: pieceBytes)
    #expect(try residentMebibytes(file) == before)
  }

  /// The cached parts of a file, after the kernel has finished its readahead.
  private func settledResidentMebibytes(_ file: borrowing Descriptor) throws -> [Bool] {
    var resident = try residentMebibytes(file)
    while true {
      usleep(50_000)
      let now = try residentMebibytes(file)
      if now == resident { return now }
      resident = now
    }
  }

  private func residentMebibytes(_ file: borrowing Descriptor) throws -> [Bool] {
    try file.residentBlocks(at: 0, lengthBytes: Self.sizeBytes, blockBytes: 1 << 20)
  }
}
