import FileIO
import Glibc
import Synchronization
import SystemPackage
import TestSupport
import Testing
import Workers

@Suite struct OpenFileTests {
  private func read(_ file: any OpenFile, _ count: Int, at offsetBytes: UInt64) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0xee, count: count)
    let length = try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offsetBytes) }
    return Array(bytes.prefix(length))
  }

  @Test(
    arguments: FileSystemKind.allCases,
    [
      (0, 3, [0, 1, 2]), (8, 3, [8, 9]), (10, 3, []), (1 << 40, 3, []), (4, 0, []),
    ] as [(UInt64, Int, [UInt8])])
  func readsShortOnlyAtTheEnd(
    _ kind: FileSystemKind, _ reading: (offsetBytes: UInt64, count: Int, expected: [UInt8])
  ) throws {
    let place = try kind.makePlace()
    let file = try place.fileSystem.openFile(
      place.file("ten", Array(0..<10)), for: .reading)
    #expect(try read(file, reading.count, at: reading.offsetBytes) == reading.expected)
  }

  @Test(arguments: FileSystemKind.allCases)
  func writesAtAnOffsetAndGrows(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let file = try place.fileSystem.createFile(place.appending("f"), permissions: .ownerReadWrite)
    try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: 5) }
    try file.synchronizeData()
    #expect(try file.sizeBytes() == 8)
    #expect(try read(file, 100, at: 0) == [0, 0, 0, 0, 0, 1, 2, 3])
  }

  @Test(arguments: FileSystemKind.allCases)
  func growsByZeros(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let file = try place.fileSystem.createFile(place.appending("f"), permissions: .ownerReadWrite)
    try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: 0) }
    try file.setSize(bytes: 6)
    #expect(try file.sizeBytes() == 6)
    #expect(try read(file, 100, at: 0) == [1, 2, 3, 0, 0, 0])
    let reader = try place.fileSystem.openFile(place.appending("f"), for: .reading)
    let error = #expect(throws: FileError.self) { try reader.setSize(bytes: 9) }
    #expect(error?.description == "cannot resize \(file.path): Invalid argument (EINVAL)")
  }

  @Test(arguments: FileSystemKind.allCases)
  func whatIsPunchedReadsAsZerosAndTheSizeStays(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let file = try place.fileSystem.openFile(
      place.file("f", [UInt8](repeating: 1, count: 10_000)), for: .readingAndWriting)
    try file.punchHole(at: 4096, lengthBytes: 4096)
    try file.punchHole(at: 9_999, lengthBytes: 1 << 20)
    #expect(try file.sizeBytes() == 10_000)
    let bytes = try read(file, 10_000, at: 0)
    #expect(bytes.indices.filter { bytes[$0] == 0 } == Array(4096..<8192) + [9999])
  }

  /// The simulated file system has no holes, so this tests only the behaviour that both share.
  @Test(arguments: FileSystemKind.allCases)
  func findsDataButNoneBehindTheEnd(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let file = try place.fileSystem.createFile(place.appending("f"), permissions: .ownerReadWrite)
    try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: 1 << 20) }
    let start = try #require(try file.dataStart(from: 5))
    #expect(5...1 << 20 ~= start)
    #expect(try file.dataStart(from: 1 << 20) == 1 << 20)
    #expect(try file.dataStart(from: (1 << 20) + 3) == nil)
    #expect(try file.dataStart(from: 1 << 30) == nil)
  }

  @Test(arguments: FileSystemKind.allCases)
  func anOffsetBeyondWhatTheSystemKnowsIsAnError(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let file = try place.fileSystem.createFile(place.appending("f"), permissions: .ownerReadWrite)
    #expect(throws: FileError.self) { _ = try read(file, 1, at: .max) }
    let error = #expect(throws: FileError.self) {
      try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: UInt64(Int64.max) - 1) }
    }
    #expect(error?.operation == "write")
    #expect(error?.path == place.appending("f"))
  }

  @Test(arguments: FileSystemKind.allCases)
  func aFileOpenedForReadingIsNotWritten(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let file = try place.fileSystem.openFile(place.file("f", [1]), for: .reading)
    #expect(throws: FileError.self) {
      try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: 0) }
    }
    #expect(try read(file, 9, at: 0) == [1])
  }

  @Test func aFullDeviceIsNoSpace() throws {
    let file = try POSIXFileSystem().openFile("/dev/full", for: .readingAndWriting)
    let error = #expect(throws: FileError.self) {
      try [UInt8](1...3).withUnsafeBytes { try file.write($0, at: 0) }
    }
    #expect(error?.code == .noSpace)
    #expect(
      error?.description == "cannot write /dev/full: No space left on device (ENOSPC)")
  }

  @Test(
    arguments: FileSystemKind.allCases,
    [
      (LockMode.shared, LockMode.shared, true), (.shared, .exclusive, false),
      (.exclusive, .shared, false), (.exclusive, .exclusive, false),
    ])
  func locksExcludeEachOther(
    _ kind: FileSystemKind, _ locks: (held: LockMode, wanted: LockMode, isGranted: Bool)
  ) throws {
    let place = try kind.makePlace()
    let path = try place.file("lock", [])
    let holder = try place.fileSystem.openFile(path, for: .reading)
    let other = try place.fileSystem.openFile(path, for: .reading)
    #expect(try holder.tryLock(locks.held))
    #expect(try other.tryLock(locks.wanted) == locks.isGranted)
    try other.unlock()
    try holder.unlock()
    #expect(try other.tryLock(.exclusive))
  }

  @Test(arguments: FileSystemKind.allCases, [false, true])
  func lettingTheFileGoEndsItsLock(_ kind: FileSystemKind, closing: Bool) throws {
    let place = try kind.makePlace()
    let path = try place.file("lock", [])
    let other = try place.fileSystem.openFile(path, for: .reading)
    do {
      let holder = try place.fileSystem.openFile(path, for: .reading)
      try holder.lock(.exclusive)
      if closing { holder.close() }
      withExtendedLifetime(holder) {}
    }
    #expect(try other.tryLock(.exclusive))
  }

  @Test(arguments: FileSystemKind.allCases)
  func nothingWorksOnceClosed(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let file = try place.fileSystem.openFile(place.file("f", [1]), for: .readingAndWriting)
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

  @Test(arguments: FileSystemKind.allCases)
  func whatIsOpenOutlivesItsName(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = try place.file("f", [1])
    let file = try place.fileSystem.openFile(path, for: .reading)
    #expect(try file.tryLock(.exclusive))
    try place.fileSystem.remove(path)
    try place.file("f", [2])
    #expect(try read(file, 9, at: 0) == [1])
    let other = try place.fileSystem.openFile(path, for: .reading)
    #expect(try other.tryLock(.exclusive), "the lock is on the file, not on its name")
  }

  @Test(arguments: FileSystemKind.allCases)
  func waitsForTheLock(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = try place.file("lock", [])
    let holder = try place.fileSystem.openFile(path, for: .reading)
    try holder.lock(.exclusive)
    let order = Mutex<[String]>([])
    let waiter = try WorkerThread(name: "waiter") {
      let other = try? place.fileSystem.openFile(path, for: .reading)
      try? other?.lock(.shared)
      order.withLock { $0.append("granted") }
    }
    usleep(20_000)
    order.withLock { $0.append("given up") }
    try holder.unlock()
    waiter.join()
    #expect(order.withLock { $0 } == ["given up", "granted"])
  }
}
