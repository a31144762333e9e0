import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing
import VolumeTargets

@Suite struct PipeTargetTests {
  let directory: TemporaryDirectory
  let fifo: FilePath

  init() throws {
    directory = try TemporaryDirectory()
    fifo = directory.appending("fifo")
    try #require(mkfifo(fifo.string, 0o600) == 0)
    // The program does the same.
    signal(SIGPIPE, SIG_IGN)
  }

  /// Opens the other end without waiting, so that the target's end opens at once. The pipe's buffer
  /// is large enough for the data of these tests.
  private func openReader() throws -> Descriptor {
    try Descriptor(opening: fifo, flags: O_RDONLY | O_NONBLOCK)
  }

  @Test func onlyWhatComesNextCanBeWritten() throws {
    let reader = try openReader()
    let target = try openTarget(fifo.string, force: false)
    #expect(!target.isSeekable && !target.canBeReadBack)
    try target.prepare(sizeBytes: 10)
    try target.write([1, 2, 3], at: 0)
    for offset in [0, 2, 4] {
      let error = #expect(throws: RestoreTargetError.self) { try target.write([1], at: offset) }
      #expect(error?.code == .outOfOrder)
    }
    #expect(throws: RestoreTargetError.self) { try target.writeZeros(at: 4, lengthBytes: 1) }
    try target.writeZeros(at: 3, lengthBytes: 7)
    try target.finish()
    var received = [UInt8](repeating: 9, count: 20)
    let count = try received.withUnsafeMutableBytes { try reader.readNext(into: $0) }
    #expect(received.prefix(count) == [1, 2, 3, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test func anUnfinishedVolumeIsNotFinished() throws {
    let reader = try openReader()
    let target = try openTarget(fifo.string, force: false)
    try target.prepare(sizeBytes: 10)
    try target.write([1, 2, 3], at: 0)
    let error = #expect(throws: RestoreTargetError.self) { try target.finish() }
    #expect(error?.description.contains("3 bytes of a volume of 10") == true)
    withExtendedLifetime(reader) {}
  }

  @Test func aReaderThatGoesAwayIsAnError() throws {
    let target: any RestoreTarget
    do {
      let reader = try openReader()
      target = try openTarget(fifo.string, force: false)
      try target.prepare(sizeBytes: 10)
      try target.write([1, 2, 3], at: 0)
      withExtendedLifetime(reader) {}
    }
    let error = #expect(throws: RestoreTargetError.self) { try target.write([1], at: 3) }
    #expect(error?.code == .brokenPipe)
    #expect(
      error?.description
        == "cannot write \(fifo) at offset 3: Broken pipe (EPIPE); the reader has closed the pipe")
  }

  @Test func aFullDeviceIsNoSpace() throws {
    let target = try openTarget("/dev/full", force: false)
    try target.prepare(sizeBytes: 1)
    let error = #expect(throws: RestoreTargetError.self) { try target.write([1], at: 0) }
    #expect(error?.code == .noSpace)
  }
}
