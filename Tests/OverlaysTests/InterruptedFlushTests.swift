import FileIO
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Overlays

/// Files on which something happens right after their contents were made durable.
private final class EventfulFileSystem: FileSystem {
  let base = SimulatedFileSystem()
  /// Called once, with the name of the file.
  private let event = Mutex<(@Sendable () -> Void)?>(nil)
  private let suffix: String

  init(after suffix: String) { self.suffix = suffix }

  func expect(_ body: @escaping @Sendable () -> Void) { event.withLock { $0 = body } }

  fileprivate func synchronized(_ path: FilePath) {
    guard path.string.hasSuffix(suffix) else { return }
    let body = event.withLock { event in
      defer { event = nil }
      return event
    }
    body?()
  }

  func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    EventfulFile(try base.createFile(path, permissions: permissions), in: self)
  }

  func openFile(_ path: FilePath, for access: FileAccess) throws(FileError) -> any OpenFile {
    EventfulFile(try base.openFile(path, for: access), in: self)
  }

  func createDirectory(_ path: FilePath, permissions: FilePermissions) throws(FileError) {
    try base.createDirectory(path, permissions: permissions)
  }

  func list(_ directory: FilePath) throws(FileError) -> [DirectoryEntry] {
    try base.list(directory)
  }

  func metadata(of path: FilePath) throws(FileError) -> FileMetadata {
    try base.metadata(of: path)
  }

  func rename(_ source: FilePath, to destination: FilePath) throws(FileError) {
    try base.rename(source, to: destination)
  }

  func remove(_ path: FilePath) throws(FileError) { try base.remove(path) }

  func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    try base.synchronizeDirectory(path)
  }

  func bootID() -> String { base.bootID() }
}

private final class EventfulFile: OpenFile {
  private let base: any OpenFile
  private let fileSystem: EventfulFileSystem

  init(_ base: any OpenFile, in fileSystem: EventfulFileSystem) {
    self.base = base
    self.fileSystem = fileSystem
  }

  var path: FilePath { base.path }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) -> Int { try base.read(into: buffer, at: offsetBytes) }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(FileError) {
    try base.write(bytes, at: offsetBytes)
  }

  func synchronizeData() throws(FileError) {
    try base.synchronizeData()
    fileSystem.synchronized(path)
  }

  func sizeBytes() throws(FileError) -> UInt64 { try base.sizeBytes() }

  func setSize(bytes sizeBytes: UInt64) throws(FileError) { try base.setSize(bytes: sizeBytes) }

  func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(FileError) {
    try base.punchHole(at: offsetBytes, lengthBytes: lengthBytes)
  }

  func dataStart(from offsetBytes: UInt64) throws(FileError) -> UInt64? {
    try base.dataStart(from: offsetBytes)
  }

  func tryLock(_ mode: LockMode) throws(FileError) -> Bool { try base.tryLock(mode) }
  func lock(_ mode: LockMode) throws(FileError) { try base.lock(mode) }
  func unlock() throws(FileError) { try base.unlock() }
  func close() { base.close() }
}

@Suite("Writing while a flush is under way")
struct InterruptedFlushTests {
  /// What is written after the data was made durable must not be said to be there by the states that
  /// the same flush writes: after a power failure it would be zeros in place of the old content.
  @Test("what comes too late for a flush is old or new after a power failure, and in the next one")
  func lateWrite() throws {
    let fileSystem = EventfulFileSystem(after: "data-0")
    try fileSystem.createDirectory("/overlay", permissions: .ownerReadWriteExecute)
    try fileSystem.synchronizeDirectory("/")
    let old = [UInt8](repeating: 1, count: 128 << 10)
    let bench = OverlayBench(MemoryVolume(old), in: "/overlay", of: fileSystem)
    let volume = try bench.create()
    let late = [UInt8](repeating: 3, count: 4096)
    // Makes the file, which is synchronised too.
    try volume.write([9], at: 5)
    let failure = Mutex<String?>(nil)
    fileSystem.expect {
      do {
        try volume.write(late, at: 8192)
        try volume.write([8], at: 70_000)
      } catch {
        failure.withLock { $0 = "\(error)" }
      }
    }
    try volume.synchronize()
    #expect(failure.withLock { $0 } == nil)
    let end = fileSystem.base.operationCount
    for seed in 0..<50 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let crashed = fileSystem.base.afterPowerFailure(at: end, using: &random)
      let found = try OverlayBench(bench.base, in: "/overlay", of: crashed).open()
      #expect(try found.bytes(5..<6) == [9], "it was flushed")
      let block = try found.bytes(8192..<12_288)
      #expect(stride(from: 0, to: 4096, by: 512).allSatisfy { [1, 3].contains(block[$0]) })
      #expect(try [1, 8].contains(found.bytes(70_000..<70_001)[0]))
      #expect(try found.bytes(70_001..<70_002) == [1])
    }
    try volume.synchronize()
    var random = SeededRandom(seed: 1)
    let crashed = fileSystem.base.afterPowerFailure(
      at: fileSystem.base.operationCount, using: &random)
    let found = try OverlayBench(bench.base, in: "/overlay", of: crashed).open()
    #expect(try found.bytes(8192..<12_288) == late)
    #expect(try found.bytes(69_999..<70_002) == [1, 8, 1])
  }
}
