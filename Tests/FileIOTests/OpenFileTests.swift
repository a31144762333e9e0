import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct OpenFileTests {
  let fileSystem = POSIXFileSystem()
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func read(_ file: any OpenFile, _ count: Int, at offsetBytes: UInt64) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0xee, count: count)
    let length = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offsetBytes) }
    return Array(bytes.prefix(length))
  }

  @Test(
    arguments: [
      (0, 3, [0, 1, 2]), (8, 3, [8, 9]), (10, 3, []), (1 << 40, 3, []), (4, 0, []),
    ] as [(UInt64, Int, [UInt8])])
  func readsShortOnlyAtTheEnd(_ offsetBytes: UInt64, count: Int, expected: [UInt8]) throws {
    let file = try fileSystem.openFile(
      directory.file("ten", Array(0..<10)), for: .reading)
    #expect(try read(file, count, at: offsetBytes) == expected)
  }

  @Test func writesAtAnOffsetAndGrows() throws {
    let file = try fileSystem.createFile(directory.appending("f"), permissions: .ownerReadWrite)
    try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: 5) }
    try file.synchronizeData()
    #expect(try file.sizeBytes() == 8)
    #expect(try read(file, 100, at: 0) == [0, 0, 0, 0, 0, 1, 2, 3])
  }

  @Test func anOffsetBeyondWhatTheSystemKnowsIsAnError() throws {
    let file = try fileSystem.createFile(directory.appending("f"), permissions: .ownerReadWrite)
    #expect(throws: FileError.self) { _ = try read(file, 1, at: .max) }
    let error = #expect(throws: FileError.self) {
      try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: UInt64(Int64.max) - 1) }
    }
    #expect(error?.operation == "write")
    #expect(error?.path == directory.appending("f"))
  }

  @Test func aFileOpenedForReadingIsNotWritten() throws {
    let file = try fileSystem.openFile(directory.file("f", [1]), for: .reading)
    #expect(throws: FileError.self) {
      try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: 0) }
    }
    #expect(try read(file, 9, at: 0) == [1])
  }

  @Test func aFullDeviceIsNoSpace() throws {
    let file = try fileSystem.openFile("/dev/full", for: .readingAndWriting)
    let error = #expect(throws: FileError.self) {
      try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: 0) }
    }
    #expect(error?.code == .noSpace)
    #expect(
      error?.description == "cannot write /dev/full: No space left on device (ENOSPC)")
  }

  @Test(arguments: [
    (LockMode.shared, LockMode.shared, true), (.shared, .exclusive, false),
    (.exclusive, .shared, false), (.exclusive, .exclusive, false),
  ])
  func locksExcludeEachOther(_ held: LockMode, wanted: LockMode, isGranted: Bool) throws {
    let path = try directory.file("lock", [])
    let holder = try fileSystem.openFile(path, for: .reading)
    let other = try fileSystem.openFile(path, for: .reading)
    #expect(try holder.tryLock(held))
    #expect(try other.tryLock(wanted) == isGranted)
    try other.unlock()
    try holder.unlock()
    #expect(try other.tryLock(.exclusive))
  }

  @Test(arguments: [false, true])
  func lettingTheFileGoEndsItsLock(closing: Bool) throws {
    let path = try directory.file("lock", [])
    let other = try fileSystem.openFile(path, for: .reading)
    do {
      let holder = try fileSystem.openFile(path, for: .reading)
      try holder.lock(.exclusive)
      if closing { holder.close() }
      withExtendedLifetime(holder) {}
    }
    #expect(try other.tryLock(.exclusive))
  }

  @Test func nothingWorksOnceClosed() throws {
    let file = try fileSystem.openFile(directory.file("f", [1]), for: .readingAndWriting)
    file.close()
    file.close()
    let actions: [() throws -> Void] = [
      { _ = try read(file, 1, at: 0) }, { _ = try file.sizeBytes() },
      { try file.synchronizeData() }, { _ = try file.tryLock(.shared) },
    ]
    for action in actions {
      let error = #expect(throws: FileError.self) { try action() }
      #expect(error?.errno == .badFileDescriptor)
    }
  }
}
