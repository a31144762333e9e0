import FileIO
import SystemPackage
import TestSupport
import Testing
import VolumeSources

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
    #expect(error?.code == .writeFailed)
    #expect(error?.offsetBytes == 5 << 20)
    #expect(error?.description.contains("No space left on device") == true)
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
}
