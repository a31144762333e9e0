import FileIO
import SystemPackage
import TestSupport
import Testing
@testable import VolumeTargets

@Suite struct NBDTargetTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func aServerThatIsNotThereIsAClearError() throws {
    let uri = "nbd+unix:///?socket=\(directory.appending("nothing"))"
    let error = #expect(throws: RestoreTargetError.self) { _ = try openTarget(uri, force: false) }
    #expect(error?.code == .openFailed)
    #expect(error?.description.hasPrefix("cannot connect to \(uri): ") == true)
    #expect(error?.description.contains("No such file") == true)
  }

  @Test func tooSmallNamesBothSizes() throws {
    let server = try NBDServer(in: directory, ["memory", "64K"])
    let target = try openTarget(server.uri, force: false)
    let error = #expect(throws: RestoreTargetError.self) { try target.prepare(sizeBytes: 65_537) }
    #expect(error?.code == .tooSmall)
    #expect(error?.description.contains("it has 65536 bytes, the volume has 65537") == true)
    try target.prepare(sizeBytes: 65_536)
  }

  @Test func aReadOnlyExportIsRefused() throws {
    let server = try NBDServer(in: directory, ["--readonly", "memory", "64K"])
    let target = try openTarget(server.uri, force: false)
    let error = #expect(throws: RestoreTargetError.self) { try target.prepare(sizeBytes: 1) }
    #expect(error?.code == .readOnly)
  }

  @Test func aRefusedWriteIsAnErrorWithItsOffsetNoLaterThanFinish() throws {
    let fault = directory.appending("fault")
    let server = try NBDServer(
      in: directory,
      [
        "--filter=error", "memory", "64M", "error-pwrite=ENOSPC", "error-pwrite-rate=100%",
        "error-pwrite-file=\(fault)",
      ])
    let target = try openTarget(server.uri, force: false)
    try target.prepare(sizeBytes: 64 << 20)
    try target.write([1, 2, 3], at: 0)
    try target.finish()
    try directory.file("fault", [])
    let error = #expect(throws: RestoreTargetError.self) {
      try target.write([1, 2, 3], at: 5 << 20)
      try target.finish()
    }
    #expect(error?.code == .noSpace)
    #expect(error?.offsetBytes == 5 << 20)
    #expect(error?.description.contains("No space left on device") == true)
  }

  /// The server reports its current state while it still executes the write before it.
  @Test func zerosCountThatComeRightAfterAWriteToTheSamePlace() throws {
    let server = try NBDServer(
      in: directory, ["--filter=delay", "memory", "1M", "delay-write=300ms"])
    let target = try openTarget(server.uri, force: false)
    let bytes = [UInt8](repeating: 7, count: 64 << 10)
    try target.prepare(sizeBytes: 1 << 20)
    try target.write(bytes, at: 128 << 10)
    try target.writeZeros(at: 128 << 10, lengthBytes: UInt64(bytes.count))
    try target.finish()
    #expect(try target.read(bytes.count, at: 128 << 10).allSatisfy { $0 == 0 })
  }

  @Test func aServerThatDiesIsAnError() throws {
    let server = try NBDServer(in: directory, ["memory", "64M"])
    let target = try openTarget(server.uri, force: false)
    try target.prepare(sizeBytes: 64 << 20)
    try target.write([UInt8](repeating: 1, count: 1 << 20), at: 0)
    server.crash()
    #expect(throws: RestoreTargetError.self) {
      for piece in 1..<64 {
        try target.write([UInt8](repeating: 1, count: 1 << 20), at: piece << 20)
      }
      try target.finish()
    }
    target.abandon()
  }

  @Test func manyWritesInFlightAllArrive() throws {
    var random = SeededRandom()
    let server = try NBDServer(
      in: directory, ["--filter=delay", "memory", "16M", "delay-write=5ms"])
    let target = try openTarget(server.uri, force: false)
    let bytes = random.bytes(16 << 20)
    try target.prepare(sizeBytes: 16 << 20)
    for start in stride(from: 0, to: bytes.count, by: 128 << 10) {
      try target.write(bytes[start..<start + 128 << 10], at: start)
    }
    try target.finish()
    #expect(try target.read(bytes.count, at: 0) == bytes, "\(random)")
  }

  @Test(
    "A hole of the server stays a hole",
    arguments: [
      TargetKind.nbd, .nbdInBlocks, .nbdWithoutZeroes, .nbdWithSlowZeroes, .nbdWithoutExtents,
      .nbdPlain,
    ])
  func holesStayHoles(kind: TargetKind) throws {
    let storage = directory.appending("storage")
    try storage.truncate(toBytes: 256 << 20)
    let server = try NBDServer(in: directory, TargetUnderTest.serverArguments(kind, storage))
    let target = try openTarget(server.uri, force: false)
    try target.prepare(sizeBytes: 256 << 20)
    try target.writeZeros(at: 0, lengthBytes: 100 << 20)
    try target.write([UInt8](repeating: 1, count: 1 << 20), at: 100 << 20)
    try target.writeZeros(at: 101 << 20, lengthBytes: 155 << 20)
    try target.finish()
    #expect(try target.read(4, at: 100 << 20 - 2) == [0, 0, 1, 1])
    #expect((1 << 20...2 << 20).contains(allocatedBytes(of: storage)))
  }

  @Test("Data that is written after a refused fast zero stays")
  func writtenAfterARefusedZero() throws {
    let storage = directory.appending("storage")
    try storage.truncate(toBytes: 4 << 20)
    let server = try NBDServer(
      in: directory, TargetUnderTest.serverArguments(.nbdWithSlowZeroes, storage))
    let target = try openTarget(server.uri, force: false)
    try target.prepare(sizeBytes: 4 << 20)
    try target.write([UInt8](repeating: 1, count: 4 << 20), at: 0)
    try target.writeZeros(at: 0, lengthBytes: 4 << 20)
    try target.write([2, 3], at: 1 << 20)
    try target.finish()
    #expect(try target.read(4, at: 1 << 20 - 1) == [0, 2, 3, 0])
  }

  @Test("If a server does not answer within the time limit, the restore fails")
  func aStalledServer() throws {
    let server = try NBDServer(
      in: directory, ["--filter=delay", "memory", "16M", "delay-write=600"])
    let target = try NBDTarget(uri: server.uri, patienceSeconds: 1)
    try target.prepare(sizeBytes: 16 << 20)
    let began = ContinuousClock.now
    let error = #expect(throws: RestoreTargetError.self) {
      try target.write([1], at: 0)
      try target.finish()
    }
    #expect(error?.code == .stalled)
    target.abandon()
    #expect(ContinuousClock.now - began < .seconds(60))
  }
}
