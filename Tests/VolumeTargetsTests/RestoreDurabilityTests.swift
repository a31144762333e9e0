import FileIO
import SystemPackage
import TestSupport
import Testing

@testable import VolumeTargets

/// A restore that has succeeded survives a power failure, and so does the name of its file.
@Suite struct RestoreDurabilityTests {
  private let directory: TemporaryDirectory
  private let path: FilePath
  private let fileSystem = InterruptedFileSystem(POSIXFileSystem())

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.appending("disk.raw")
  }

  private func restore(replacing: Bool) throws {
    let target = FileTarget(
      name: "disk.raw", path: path, replacesExisting: replacing, fileSystem: fileSystem)
    try target.prepare(sizeBytes: 3)
    try target.write([1, 2, 3], at: 0)
    fileSystem.record()
    try target.finish()
    #expect(try path.contents() == [1, 2, 3])
  }

  @Test func theNameOfANewFileIsDurable() throws {
    try restore(replacing: false)
    #expect(fileSystem.calls == ["synchronizeDirectory \(directory.path)"])
  }

  @Test func theNameOfAReplacedFileIsDurable() throws {
    try directory.file("disk.raw", [9])
    try restore(replacing: true)
    #expect(
      fileSystem.calls == ["rename \(path)", "synchronizeDirectory \(directory.path)"])
  }

  @Test func aFailureToMakeTheNameDurableIsReported() throws {
    let target = FileTarget(
      name: "disk.raw", path: path, replacesExisting: false,
      fileSystem: UnsynchronizableDirectories())
    try target.prepare(sizeBytes: 1)
    let error = #expect(throws: RestoreTargetError.self) { try target.finish() }
    #expect(error?.code == .writeFailed)
  }
}

private struct UnsynchronizableDirectories: ForwardingFileSystem {
  let base = POSIXFileSystem()

  func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    throw FileError(operation: "synchronise directory", path: path, errno: .ioError)
  }
}
