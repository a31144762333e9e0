import FileIO
import Glibc
import Remedies
import SystemPackage
import TestSupport
import Testing
import VolumeTargets

@Suite struct FileTargetTests {
  let directory: TemporaryDirectory
  let path: FilePath

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.appending("disk.raw")
  }

  @Test func anExistingFileIsRefusedWithoutForce() throws {
    try directory.file("disk.raw", [1, 2, 3])
    let error = #expect(throws: RestoreTargetError.self) {
      _ = try openTarget(path.string, force: false)
    }
    #expect(error?.code == .alreadyExists)
    #expect(error?.description == "\(path) already exists" && error?.remedy == .overwriteTarget)
    #expect(try path.contents() == [1, 2, 3])
  }

  @Test("A path that ends with a slash names a directory, and no file is made for it")
  func missingDirectory() throws {
    let error = #expect(throws: RestoreTargetError.self) {
      _ = try openTarget("\(directory.appending("none"))/", force: true)
    }
    #expect(error?.code == .notATarget)
    #expect(try directory.names().isEmpty)
  }

  @Test(
    "A file in the repository is refused, also through links and with --force",
    arguments: ["store/new", "store/config", "store/packs/new", "link/new", "store/../link/config"])
  func insideRepository(name: String) throws {
    let files = POSIXFileSystem()
    try files.createDirectory(directory.appending("store"), permissions: .ownerReadWriteExecute)
    try files.createDirectory(
      directory.appending("store/packs"), permissions: .ownerReadWriteExecute)
    try directory.file("store/config", [1])
    symlink("store", directory.appending("link").string)
    let error = #expect(throws: RestoreTargetError.self) {
      _ = try openTarget(
        directory.appending(name).string, force: true, outside: directory.appending("store"))
    }
    #expect(error?.code == .notATarget)
    _ = try openTarget(path.string, force: false, outside: directory.appending("store"))
  }

  @Test func aFileThatAppearsMeanwhileIsRefused() throws {
    let target = try openTarget(path.string, force: false)
    try directory.file("disk.raw", [1, 2, 3])
    let error = #expect(throws: RestoreTargetError.self) { try target.prepare(sizeBytes: 10) }
    #expect(error?.code == .alreadyExists)
    target.abandon()
    #expect(try path.contents() == [1, 2, 3])
  }

  @Test func whatIsAbandonedLeavesNothing() throws {
    let target = try openTarget(path.string, force: false)
    try target.prepare(sizeBytes: 100)
    try target.write([1, 2, 3], at: 50)
    target.abandon()
    #expect(try directory.names().isEmpty)
  }

  @Test func abandoningLeavesTheFileThatWasToBeReplaced() throws {
    try directory.file("disk.raw", [1, 2, 3])
    let target = try openTarget(path.string, force: true)
    try target.prepare(sizeBytes: 100)
    try target.write([9, 9, 9], at: 50)
    #expect(try path.contents() == [1, 2, 3])
    target.abandon()
    #expect(try path.contents() == [1, 2, 3])
    #expect(try directory.names() == ["disk.raw"])
  }

  @Test func whatIsFinishedIsNotAbandoned() throws {
    let target = try openTarget(path.string, force: false)
    try target.prepare(sizeBytes: 3)
    try target.write([1, 2, 3], at: 0)
    try target.finish()
    target.abandon()
    #expect(try path.contents() == [1, 2, 3])
  }

  @Test func aReplacedFileKeepsItsPermissionsAndLinks() throws {
    try directory.file("disk.raw", [1, 2, 3])
    #expect(chmod(path.string, 0o640) == 0)
    if geteuid() == 0 { #expect(chown(path.string, 1234, 2345) == 0) }
    let before = try status(of: path)
    let link = directory.appending("link")
    #expect(symlink("disk.raw", link.string) == 0)

    let target = try openTarget(link.string, force: true)
    try target.prepare(sizeBytes: 2)
    try target.finish()
    let after = try status(of: path)
    #expect(after.st_mode == before.st_mode)
    #expect(after.st_uid == before.st_uid)
    #expect(after.st_gid == before.st_gid)
    #expect(try link.contents() == [0, 0])
    #expect(try directory.names() == ["disk.raw", "link"])
  }

  @Test func aNewFileIsTheOwnersAlone() throws {
    let target = try openTarget(path.string, force: false)
    try target.prepare(sizeBytes: 2)
    #expect(try status(of: path).st_mode & 0o777 == 0o600)
  }

  @Test func zerosTakeNoSpace() throws {
    let target = try openTarget(path.string, force: false)
    try target.prepare(sizeBytes: 1 << 40)
    try target.writeZeros(at: 0, lengthBytes: 1 << 39)
    try target.write([UInt8](repeating: 1, count: 65_536), at: 1 << 39)
    try target.write([UInt8](repeating: 1, count: 65_536), at: 1 << 38)
    try target.writeZeros(at: 1 << 38, lengthBytes: 65_536)
    try target.finish()
    #expect(try POSIXFileSystem().metadata(of: path).sizeBytes == 1 << 40)
    #expect((65_536...200_000).contains(allocatedBytes(of: path)))
  }

  @Test func aFileOpenElsewhereIsNotReplaced() throws {
    try directory.file("disk.raw", [1, 2, 3])
    let other = try POSIXFileSystem().openFile(path, for: .reading)
    let target = try openTarget(path.string, force: true)
    let error = #expect(throws: RestoreTargetError.self) { try target.prepare(sizeBytes: 1) }
    #expect(error?.code == .inUse)
    #expect(try directory.names() == ["disk.raw"])
    other.close()
    try target.prepare(sizeBytes: 1)
    target.abandon()
  }

  @Test(.enabled(if: LoopDevice.isAvailable, "needs root and loop devices"))
  func aFileUnderALoopDeviceIsNotReplaced() throws {
    try directory.file("disk.raw", [UInt8](repeating: 1, count: 4096))
    let device = try LoopDevice(path)
    let target = try openTarget(path.string, force: true)
    let error = #expect(throws: RestoreTargetError.self) { try target.prepare(sizeBytes: 1) }
    #expect(error?.code == .inUse)
    withExtendedLifetime(device) {}
  }

  @Test func aFileTooLargeForTheFileSystemIsRefusedAndNotLeftBehind() throws {
    let target = try openTarget(path.string, force: false)
    let error = #expect(throws: RestoreTargetError.self) {
      try target.prepare(sizeBytes: UInt64(Int64.max))
    }
    #expect(error?.description.contains("\(Int64.max) bytes") == true)
    #expect(try directory.names().isEmpty)
  }

  @Test(.enabled(if: LoopDevice.isAvailable, "needs root and loop devices"))
  func aFullFileSystemIsNoSpace() throws {
    let image = directory.appending("fs.raw")
    try image.truncate(toBytes: 16 << 20)
    try Command.run("mkfs.ext4", "-q", image.string)
    let device = try LoopDevice(image)
    try POSIXFileSystem().createDirectories(directory.appending("mnt"))
    let mount = try Mount(device.path, at: directory.appending("mnt"))

    let full = mount.path.appending("disk.raw")
    let target = try openTarget(full.string, force: false)
    try target.prepare(sizeBytes: 64 << 20)
    let error = #expect(throws: RestoreTargetError.self) {
      for piece in 0..<64 {
        try target.write([UInt8](repeating: 1, count: 1 << 20), at: piece << 20)
      }
      try target.finish()
    }
    #expect(error?.code == .noSpace)
    #expect(error?.description.contains("cannot write \(full) at offset ") == true)
    target.abandon()
    #expect(try POSIXFileSystem().list(mount.path).map(\.name) == ["lost+found"])
  }

  @Test func whatCannotBeATargetIsRefused() throws {
    let error = #expect(throws: RestoreTargetError.self) {
      _ = try openTarget(directory.path.string, force: true)
    }
    #expect(error?.code == .notATarget)

    try directory.file("file", [])
    for name in ["missing/disk.raw", "file/disk.raw"] {
      let error = #expect(throws: RestoreTargetError.self) {
        let target = try openTarget(directory.appending(name).string, force: true)
        try target.prepare(sizeBytes: 1)
      }
      #expect(error?.code == .notFound)
    }
  }

  private func status(of path: FilePath) throws -> stat {
    var status = stat()
    try #require(stat(path.string, &status) == 0)
    return status
  }
}
