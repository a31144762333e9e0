import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing
import VolumeTargets

@Suite(.enabled(if: LoopDevice.isAvailable, "needs root and loop devices"))
struct BlockDeviceTargetTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func device(_ sizeBytes: Int, options: [String] = []) throws -> LoopDevice {
    let path = directory.appending("storage")
    try path.truncate(toBytes: UInt64(sizeBytes))
    return try LoopDevice(path, options: options)
  }

  /// The error of `prepare`. Also checks that the device has not been changed.
  private func refusal(
    _ path: FilePath, sizeBytes: UInt64 = 1000
  ) throws -> RestoreTargetError? {
    let before = try path.contents()
    let target = try openTarget(path.string, force: true)
    let error = #expect(throws: RestoreTargetError.self) {
      try target.prepare(sizeBytes: sizeBytes)
    }
    #expect(try path.contents() == before)
    return error
  }

  @Test func tooSmallNamesBothSizes() throws {
    let device = try device(1 << 20)
    let error = try refusal(device.path, sizeBytes: (1 << 20) + 1)
    #expect(error?.code == .tooSmall)
    #expect(
      error?.description
        == "\(device.path) is too small: it has 1048576 bytes, the volume has 1048577")
  }

  @Test func exactlyLargeEnoughIsFine() throws {
    let device = try device(1 << 20)
    let target = try openTarget(device.path.string, force: false)
    try target.prepare(sizeBytes: 1 << 20)
    try target.write([7], at: (1 << 20) - 1)
    try target.finish()
    #expect(try device.path.contents().last == 7)
  }

  @Test func aMountedDeviceIsRefused() throws {
    let device = try device(16 << 20)
    try Command.run("mkfs.ext4", "-q", device.path.string)
    let point = directory.appending("a mount point")
    try POSIXFileSystem().createDirectories(point)
    let mount = try Mount(device.path, at: point, isReadOnly: true)
    let error = try refusal(device.path)
    #expect(error?.code == .mounted)
    #expect(error?.description.contains("\(device.path) is mounted at \(mount.path)") == true)
  }

  @Test func aDeviceWithAMountedPartitionIsRefused() throws {
    let device = try device(32 << 20, options: ["--partscan"])
    try Command.run("sh", "-c", "echo 2048,,L | sfdisk -q \(device.path)")
    // If the kernel does not read partition tables, tell it about the partition.
    _ = try? Command.run("sh", "-c", "partx --add \(device.path) 2>&1")
    let partition = FilePath(device.path.string + "p1")
    // Without udev, the test must make the node.
    if access(partition.string, F_OK) != 0 {
      let name = device.path.lastComponent?.string ?? ""
      let number = try Command.run("cat", "/sys/block/\(name)/\(name)p1/dev").split(separator: ":")
      try Command.run("mknod", partition.string, "b", String(number[0]), String(number[1]))
    }
    defer { unlink(partition.string) }
    try Command.run("mkfs.ext4", "-q", partition.string)
    try POSIXFileSystem().createDirectories(directory.appending("mnt"))
    let mount = try Mount(partition, at: directory.appending("mnt"), isReadOnly: true)
    for path in [device.path, partition] {
      let error = try refusal(path)
      #expect(error?.code == .mounted)
      #expect(error?.description.contains("\(partition) is mounted at \(mount.path)") == true)
    }
  }

  @Test func aClaimedDeviceIsRefused() throws {
    let device = try device(1 << 20)
    let claim = try Descriptor(opening: device.path, flags: O_RDONLY | O_EXCL)
    #expect(try refusal(device.path)?.code == .inUse)
    withExtendedLifetime(claim) {}
  }

  @Test func twoRestoresDoNotMeet() throws {
    let device = try device(1 << 20)
    let first = try openTarget(device.path.string, force: false)
    try first.prepare(sizeBytes: 1000)
    #expect(try refusal(device.path)?.code == .inUse)
    first.abandon()
    try openTarget(device.path.string, force: false).prepare(sizeBytes: 1000)
  }

  @Test func aReadOnlyDeviceIsRefused() throws {
    let device = try device(1 << 20, options: ["--read-only"])
    #expect(try refusal(device.path)?.code == .readOnly)
  }

  @Test func zerosFreeSpaceWhereTheDeviceCan() throws {
    let storage = try directory.file("storage", [UInt8](repeating: 1, count: 8 << 20))
    let device = try LoopDevice.discarding(storage)
    let target = try openTarget(device.path.string, force: false)
    try target.prepare(sizeBytes: 8 << 20)
    try target.writeZeros(at: 1000, lengthBytes: 6 << 20)
    try target.finish()
    let contents = try device.path.contents()
    #expect(contents[1000..<1000 + 6 << 20].allSatisfy { $0 == 0 })
    #expect(allocatedBytes(of: storage) < 3 << 20)
  }

  @Test func aDeviceThatFailsIsAnErrorWithItsName() throws {
    let storage = directory.appending("storage")
    // The file system under the device has less space than the size of the device.
    let image = directory.appending("fs.raw")
    try image.truncate(toBytes: 16 << 20)
    try Command.run("mkfs.ext4", "-q", image.string)
    let under = try LoopDevice(image)
    try POSIXFileSystem().createDirectories(storage)
    let mount = try Mount(under.path, at: storage)
    let file = mount.path.appending("disk.raw")
    try file.truncate(toBytes: 64 << 20)
    let device = try LoopDevice(file)

    let target = try openTarget(device.path.string, force: false)
    try target.prepare(sizeBytes: 64 << 20)
    let error = #expect(throws: RestoreTargetError.self) {
      for piece in 0..<64 {
        try target.write([UInt8](repeating: 1, count: 1 << 20), at: piece << 20)
      }
      try target.finish()
    }
    #expect(error?.target == device.path.string)
    target.abandon()
  }
}
