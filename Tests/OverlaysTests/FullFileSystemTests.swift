import FileIO
import SystemPackage
import TestSupport
import Testing

@testable import Overlays

@Suite("An overlay on a full file system", .enabled(if: LoopDevice.isAvailable))
struct FullFileSystemTests {
  private static let blockBytes = 64 << 10

  @Test("the write fails; existing data stays and can be flushed, read and freed")
  func full() throws {
    let directory = try TemporaryDirectory()
    let image = try directory.file("image", [])
    try Command.run("truncate", "-s", "12M", image.string)
    try Command.run("mkfs.ext4", "-q", "-m", "0", image.string)
    let device = try LoopDevice(image)
    let place = directory.appending("mount")
    try POSIXFileSystem().createDirectory(place, permissions: .ownerReadWriteExecute)
    let mount = try Mount(device.path, at: place)
    // Its data alone is twice as large as the file system, and each 64 MiB of blocks needs a page.
    let bench = OverlayBench(
      SparseVolume(sizeBytes: 24 << 30), in: mount.path, of: POSIXFileSystem())
    let volume = try bench.create()
    var written: [UInt64] = []
    let error = #expect(throws: OverlayError.self) {
      for number in 0..<384 as Range<UInt64> {
        let offset = number * (64 << 20)
        try volume.write(Self.content(number), at: offset)
        written.append(number)
      }
    }
    #expect(error?.code == .noSpace)
    #expect(written.count > 50)
    try volume.synchronize()
    for volume in [volume, try bench.open()] {
      for number in written { try expect(volume, number) }
    }
    // A write in place needs no space.
    try volume.write([1], at: 5)
    // Freed space can be used again.
    try volume.trim(0..<(64 << 20) * 8)
    try volume.synchronize()
    try volume.write(Self.content(9), at: 9 * (64 << 20) + (1 << 20))
    #expect(try volume.bytes(0..<10) == [UInt8](repeating: 0, count: 10))
    for number in written.dropFirst(8) { try expect(volume, number) }
    withExtendedLifetime(mount) {}
  }

  private static func content(_ number: UInt64) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: number + 1), count: blockBytes)
  }

  private func expect(_ volume: OverlaidVolume, _ number: UInt64) throws {
    let offset = number * (64 << 20)
    #expect(
      try volume.bytes(offset..<offset + UInt64(Self.blockBytes)) == Self.content(number),
      "number \(number)")
  }
}
