import FileIO
import SystemPackage
import TestSupport
import Testing
import VolumeSources

@Suite(.enabled(if: LoopDevice.isAvailable, "needs root and loop devices"))
struct BlockDeviceSourceTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: [512, (5 << 20) + 512])
  func readsTheWholeDevice(count: Int) throws {
    var random = SeededRandom()
    let bytes = random.bytes(count)
    let device = try LoopDevice(directory.file("disk.raw", bytes))
    let source = try openSource(device.path.string)
    #expect(source.kind == .blockDevice)
    #expect(source.sizeBytes == UInt64(count))
    #expect(source.canBeReadAgain)
    #expect(
      try source.extents()
        == [SourceExtent(offsetBytes: 0, lengthBytes: UInt64(count), isHole: false)])
    #expect(try source.readWhole(pieceBytes: 1_000_000) == bytes, "\(random)")
  }

  @Test func aReadErrorNamesDeviceAndOffset() throws {
    // If the file shrinks, its loop device keeps its size. The missing part cannot be read.
    let file = try directory.file("disk.raw", [UInt8](repeating: 1, count: 8 << 20))
    let device = try LoopDevice(file)
    let source = try openSource(device.path.string)
    try file.truncate(toBytes: 4 << 20)
    #expect(try source.read(1 << 20, at: 0).count == 1 << 20)
    let error = #expect(throws: VolumeSourceError.self) {
      _ = try source.read(2 << 20, at: 3 << 20)
    }
    #expect(error?.code == .readFailed)
    #expect(error?.offsetBytes == 4 << 20)
    #expect(
      error?.description
        == "cannot read \(device.path) at offset \(4 << 20): Input/output error (EIO)")
  }

  @Test func aGrownDeviceIsAnError() throws {
    let file = try directory.file("disk.raw", [UInt8](repeating: 1, count: 1 << 20))
    let device = try LoopDevice(file)
    let source = try openSource(device.path.string)
    try file.truncate(toBytes: 2 << 20)
    try Command.run("losetup", "--set-capacity", device.path.string)
    let error = #expect(throws: VolumeSourceError.self) { _ = try source.readWhole() }
    #expect(error?.code == .sizeChanged)
  }

  @Test func anotherDeviceUnderTheSameNameIsAnError() throws {
    let first = try LoopDevice(directory.file("1.raw", [UInt8](repeating: 1, count: 4096)))
    let second = try LoopDevice(directory.file("2.raw", [UInt8](repeating: 2, count: 4096)))
    let name = directory.appending("volume")
    try Command.run("ln", "-s", first.path.string, name.string)
    let source = try openSource(name.string)
    _ = try source.read(4096, at: 0)
    try Command.run("ln", "-sfn", second.path.string, name.string)
    let error = #expect(throws: VolumeSourceError.self) { try source.finish() }
    #expect(error?.code == .replaced)
  }

  @Test func aDeviceWithoutAMediumIsEmpty() throws {
    let file = try directory.file("disk.raw", [])
    let device = try LoopDevice(file)
    #expect(try openSource(device.path.string).readWhole().isEmpty)
  }
}
