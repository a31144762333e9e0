import FileIO
import Synchronization
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import Overlays

@Suite("Flushing an overlay")
struct FlushTests {
  private let fileSystem = SimulatedFileSystem()
  private let bench: OverlayBench

  init() throws {
    try fileSystem.createDirectory("/overlay", permissions: .ownerReadWriteExecute)
    bench = OverlayBench(SparseVolume(sizeBytes: 1 << 20), in: "/overlay", of: fileSystem)
  }

  private func synchronizations(_ body: () throws -> Void) rethrows -> Int {
    let count = Mutex(0)
    fileSystem.setFaults { call in
      if call.kind == .synchronizeData { count.withLock { $0 += 1 } }
      return nil
    }
    try body()
    fileSystem.setFaults(nil)
    return count.withLock { $0 }
  }

  @Test("its cost depends on the amount of changes")
  func cost() throws {
    let volume = try bench.create()
    try volume.write([1], at: 0)
    #expect(try synchronizations { try volume.synchronize() } == 2, "data and states")
    #expect(try synchronizations { try volume.synchronize() } == 0, "nothing")
    try volume.write([2], at: 0)
    #expect(try synchronizations { try volume.synchronize() } == 1, "the data of a block in place")
    try volume.zero(0..<4096, mayTrim: true)
    #expect(try synchronizations { try volume.synchronize() } == 1, "states")
  }

  @Test("a temporary overlay is not made durable")
  func temporary() throws {
    try fileSystem.createDirectory("/tmp", permissions: .ownerReadWriteExecute)
    let overlay = try VolumeOverlay.temporary(
      sizeBytes: 1 << 20, in: "/tmp", fileSystem: fileSystem)
    let volume = try OverlaidVolume(base: bench.base, overlay: overlay)
    #expect(fileSystem.usedBytes == 0)
    let count = try synchronizations {
      try volume.write([1], at: 0)
      try volume.synchronize()
    }
    #expect(count == 0)
    #expect(try fileSystem.list("/tmp").isEmpty, "its files have no names")
    #expect(try volume.bytes(0..<2) == [1, 0])
  }

  @Test("when the storage fails to keep data, writes are refused and reads continue")
  func failedSynchronization() throws {
    let volume = try bench.create()
    try volume.write([1], at: 0)
    fileSystem.setFaults { $0.kind == .synchronizeData ? .ioError : nil }
    let error = try #require(throws: OverlayError.self) { try volume.synchronize() }
    #expect(error.code == .fileSystem)
    #expect(error.description.contains("EIO"))
    fileSystem.setFaults(nil)
    for attempt in [
      { try volume.synchronize() }, { try volume.write([1], at: 0) },
      { try volume.zero(0..<4096, mayTrim: true) }, { try volume.trim(0..<4096) },
    ] {
      let again = #expect(throws: OverlayError.self) { try attempt() }
      #expect(again?.description == error.description)
    }
    #expect(try volume.bytes(0..<2) == [1, 0])
  }

  @Test("states for which a flush found no space can be flushed later")
  func fullAtFlush() throws {
    let volume = try bench.create()
    try volume.write([1], at: 0)
    fileSystem.setFaults { $0.kind == .write ? .noSpace : nil }
    let error = #expect(throws: OverlayError.self) { try volume.synchronize() }
    #expect(error?.code == .noSpace)
    fileSystem.setFaults(nil)
    try volume.synchronize()
    #expect(try bench.open().bytes(0..<2) == [1, 0])
  }

  @Test(
    "on a full file system the write fails and changes nothing",
    arguments: ["data", "state", "pending"])
  func fullAtWrite(file: String) throws {
    let volume = try bench.create()
    fileSystem.setFaults {
      $0.kind == .write && $0.path.string.contains(file) ? .noSpace : nil
    }
    let error = #expect(throws: OverlayError.self) { try volume.write([1], at: 0) }
    #expect(error?.code == .noSpace)
    #expect(error?.description.contains("/overlay/vda.\(file)") == true)
    fileSystem.setFaults(nil)
    #expect(try volume.bytes(0..<2) == [0, 0])
    try volume.synchronize()
    #expect(try bench.open().bytes(0..<2) == [0, 0])
    try volume.write([1], at: 0)
    #expect(try volume.bytes(0..<2) == [1, 0])
  }

  @Test("simultaneous flushes are carried out together")
  func together() throws {
    let volume = try bench.create()
    let failures = Mutex<[String]>([])
    let flushes = try synchronizations {
      let threads = try (0..<16).map { thread in
        try WorkerThread(name: "flush") {
          for round in 0..<20 {
            do {
              try volume.write([UInt8(round + 1)], at: UInt64(thread) * 4096)
              try volume.synchronize()
            } catch {
              failures.withLock { $0.append("\(error)") }
            }
          }
        }
      }
      for thread in threads { thread.join() }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(flushes <= 640)
    let found = try bench.open()
    for thread in 0..<16 {
      #expect(try found.bytes(UInt64(thread) * 4096..<UInt64(thread) * 4096 + 1) == [20])
    }
  }
}
