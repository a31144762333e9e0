import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing
import VolumeSources
import Workers

@Suite struct PipeSourceTests {
  let directory: TemporaryDirectory
  let fifo: FilePath

  init() throws {
    directory = try TemporaryDirectory()
    fifo = directory.appending("fifo")
    try #require(mkfifo(fifo.string, 0o600) == 0)
  }

  /// Writes into the FIFO from a thread, in pieces of random size, and closes it.
  private func writing(_ bytes: [UInt8], _ random: SeededRandom) throws -> WorkerThread {
    let fifo = fifo
    return try WorkerThread(name: "writer") {
      var random = random
      guard let descriptor = try? Descriptor(opening: fifo, flags: O_WRONLY) else { return }
      var rest = bytes[...]
      while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...200_000, using: &random))
        try? piece.withUnsafeBytes { try descriptor.writeNext($0) }
        rest = rest.dropFirst(piece.count)
      }
    }
  }

  @Test(arguments: [0, 1, pipeExtentBytes - 1, pipeExtentBytes, pipeExtentBytes + 1, 9_999_999])
  func readsWhatIsWritten(count: Int) throws {
    var random = SeededRandom()
    let bytes = random.bytes(count)
    let writer = try writing(bytes, random)
    defer { writer.join() }
    let source = try openSource(fifo.string)
    #expect(source.kind == .pipe)
    #expect(source.sizeBytes == nil)
    #expect(!source.canBeReadAgain)
    #expect(try source.readWhole(pieceBytes: 123_456) == bytes, "\(random)")
  }

  @Test func readsWithoutAskingForExtents() throws {
    var random = SeededRandom()
    let bytes = random.bytes(3_000_000)
    let writer = try writing(bytes, random)
    defer { writer.join() }
    let source = try openSource(fifo.string)
    var received: [UInt8] = []
    while true {
      let piece = try source.read(1_000_003, at: UInt64(received.count))
      received += piece
      if piece.count < 1_000_003 { break }
    }
    #expect(received == bytes, "\(random)")
  }

  @Test func extentsEndAtAlignedOffsets() throws {
    var random = SeededRandom()
    let writer = try writing(random.bytes(2 * pipeExtentBytes + 10), random)
    defer { writer.join() }
    let source = try openSource(fifo.string)
    // A first read of odd length, like that of a program that reads a partition table.
    _ = try source.read(1000, at: 0)
    var ends: [UInt64] = []
    var offset: UInt64 = 1000
    while let extent = try source.nextExtent(at: offset) {
      ends.append(extent.endBytes)
      _ = try source.read(Int(extent.lengthBytes), at: offset)
      offset = extent.endBytes
    }
    let step = UInt64(pipeExtentBytes)
    #expect(ends == [step, 2 * step, 2 * step + 10])
  }

  @Test func anotherWriterIsNotPartOfTheVolume() throws {
    let first = try writing([1, 2, 3], SeededRandom(seed: 1))
    let source = try openSource(fifo.string)
    #expect(try source.readWhole() == [1, 2, 3])
    first.join()
    let second = try Descriptor(opening: fifo, flags: O_WRONLY)
    try [UInt8](4...6).withUnsafeBytes { try second.writeNext($0) }
    #expect(try source.nextExtent(at: 3) == nil)
    #expect(try source.read(3, at: 3).isEmpty)
  }

  @Test(arguments: [0, 2, 4] as [UInt64])
  func onlyWhatComesNextCanBeRead(offsetBytes: UInt64) throws {
    let writer = try writing([1, 2, 3, 4, 5], SeededRandom(seed: 1))
    defer { writer.join() }
    let source = try openSource(fifo.string)
    _ = try source.read(3, at: 0)
    let error = #expect(throws: VolumeSourceError.self) { _ = try source.read(1, at: offsetBytes) }
    #expect(error?.code == .outOfOrder)
    #expect(throws: VolumeSourceError.self) { _ = try source.nextExtent(at: offsetBytes) }
    #expect(try source.read(2, at: 3) == [4, 5])
  }
}

/// Only these tests use descriptor 0 of the process.
@Suite(.serialized) struct StandardInputTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func withStandardInput(
    _ path: FilePath, skipping skippedBytes: Int = 0, _ body: () throws -> Void
  ) throws {
    let saved = dup(STDIN_FILENO)
    let input = open(path.string, O_RDONLY)
    lseek(input, off_t(skippedBytes), SEEK_SET)
    dup2(input, STDIN_FILENO)
    close(input)
    defer {
      dup2(saved, STDIN_FILENO)
      close(saved)
    }
    try body()
  }

  @Test func aFileIsReadAsOne() throws {
    try withStandardInput(directory.file("disk.raw", [1, 2, 3])) {
      let source = try openSource("-")
      #expect(source.kind == .file)
      #expect(source.name == "standard input")
      #expect(try source.readWhole() == [1, 2, 3])
    }
  }

  @Test func aFileSomebodyHasBegunToReadIsReadFromThereOn() throws {
    try withStandardInput(directory.file("disk.raw", [1, 2, 3]), skipping: 1) {
      let source = try openSource("-")
      #expect(source.kind == .pipe)
      #expect(try source.readWhole() == [2, 3])
    }
  }

  @Test func aCharacterDeviceIsReadToItsEnd() throws {
    try withStandardInput("/dev/null") {
      let source = try openSource("-")
      #expect(source.kind == .pipe)
      #expect(try source.readWhole().isEmpty)
    }
  }

  @Test func aDirectoryIsRefused() throws {
    try withStandardInput(directory.path) {
      let error = #expect(throws: VolumeSourceError.self) { _ = try openSource("-") }
      #expect(error?.code == .notAVolume)
    }
  }
}
