import FileIO
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Overlays

/// A file system with an event right after a file's content was made durable.
private final class EventfulFileSystem: ForwardingFileSystem {
  let base = SimulatedFileSystem()
  /// The event. It occurs once.
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
}

private final class EventfulFile: ForwardingFile {
  let base: any OpenFile
  private let fileSystem: EventfulFileSystem

  init(_ base: any OpenFile, in fileSystem: EventfulFileSystem) {
    self.base = base
    self.fileSystem = fileSystem
  }

  func synchronizeData() throws(FileError) {
    try base.synchronizeData()
    fileSystem.synchronized(path)
  }
}

@Suite("Writing while a flush is under way")
struct InterruptedFlushTests {
  /// Data that is written after the synchronisation of the data must not be marked by the states of
  /// the same flush. Otherwise, after a power failure, it would read as zeros in place of the old
  /// content.
  @Test("a write too late for a flush is old or new after a power failure")
  func lateWrite() throws {
    let fileSystem = EventfulFileSystem(after: "data-0")
    try fileSystem.createDirectory("/overlay", permissions: .ownerReadWriteExecute)
    try fileSystem.synchronizeDirectory("/")
    let old = [UInt8](repeating: 1, count: 128 << 10)
    let bench = OverlayBench(MemoryVolume(old), in: "/overlay", of: fileSystem)
    let volume = try bench.create()
    let late = [UInt8](repeating: 3, count: 4096)
    // Creates the file, which is synchronised as well.
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
