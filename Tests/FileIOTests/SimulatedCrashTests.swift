import FileIO
import SystemPackage
import TestSupport
import Testing

/// Simulated crashes must produce every state that a real crash may leave, and no other state.
@Suite struct SimulatedCrashTests {
  /// The outcomes of many seeds, in the words of `describe`.
  private func outcomes(
    of fileSystem: SimulatedFileSystem, _ describe: (SimulatedFileSystem) throws -> String
  ) rethrows -> Set<String> {
    var seen: Set<String> = []
    for seed in 0..<300 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let count = fileSystem.operationCount
      seen.insert(try describe(fileSystem.afterPowerFailure(at: count, using: &random)))
    }
    return seen
  }

  private func contents(_ path: FilePath) -> (SimulatedFileSystem) throws -> String {
    { fileSystem in
      do {
        let bytes = try fileSystem.readAll(path, limitBytes: 1 << 20)
        return bytes.map(String.init).joined(separator: " ")
      } catch let error as FileError where error.code == .notFound {
        return "none"
      }
    }
  }

  private func write(_ bytes: [UInt8], to file: any OpenFile, at offset: UInt64 = 0) throws {
    try bytes.withUnsafeBytes { try file.write($0, at: offset) }
  }

  @Test func synchronisedWritesSurvive() throws {
    let fileSystem = SimulatedFileSystem()
    try fileSystem.writeDurably([1, 2], to: "/f", permissions: .ownerReadWrite)
    #expect(try outcomes(of: fileSystem, contents("/f")) == ["1 2"])
  }

  @Test func unsynchronisedWritesMaySurviveOrTear() throws {
    let fileSystem = SimulatedFileSystem()
    let file = try fileSystem.createFile("/f", permissions: .ownerReadWrite)
    try fileSystem.synchronizeDirectory("/")
    try write([7], to: file)
    let seen = try outcomes(of: fileSystem, contents("/f"))
    #expect(seen.isSuperset(of: ["", "0", "7"]))
    #expect(seen.contains { !["", "0", "7"].contains($0) }, "what others left on the disk")
  }

  /// Either of two sectors may be written first.
  @Test func sectorsAreReordered() throws {
    let fileSystem = SimulatedFileSystem()
    try fileSystem.writeDurably(
      Array(repeating: 0, count: 1024), to: "/f", permissions: .ownerReadWrite)
    let file = try fileSystem.openFile("/f", for: .readingAndWriting)
    try write([1], to: file, at: 0)
    try write([2], to: file, at: 600)
    let seen = try outcomes(of: fileSystem) { crashed in
      let bytes = try crashed.readAll("/f", limitBytes: 1024)
      return "\(bytes[0]) \(bytes[600])"
    }
    #expect(seen == ["0 0", "1 0", "0 2", "1 2"])
  }

  @Test func aNameIsIndependentOfItsContents() throws {
    let fileSystem = SimulatedFileSystem()
    let file = try fileSystem.createFile("/f", permissions: .ownerReadWrite)
    try write([7], to: file)
    try file.synchronizeData()
    #expect(try outcomes(of: fileSystem, contents("/f")) == ["none", "7"])
  }

  @Test func renamingKeepsOneOfTheTwo() throws {
    let fileSystem = SimulatedFileSystem()
    try fileSystem.writeDurably([1], to: "/old", permissions: .ownerReadWrite)
    try fileSystem.writeDurably([2], to: "/new", permissions: .ownerReadWrite)
    try fileSystem.rename("/old", to: "/new")
    let seen = try outcomes(of: fileSystem) { crashed in
      try contents("/old")(crashed) + ", " + contents("/new")(crashed)
    }
    // Both names exist at once if the two directories are written one after the other.
    #expect(seen == ["1, 2", "1, 1", "none, 1"])
  }

  @Test func aFileIsNotLostBetweenDirectories() throws {
    let fileSystem = SimulatedFileSystem()
    for directory in ["/a", "/b"] as [FilePath] {
      try fileSystem.createDirectories(directory)
    }
    try fileSystem.writeDurably([1], to: "/a/f", permissions: .ownerReadWrite)
    try fileSystem.rename("/a/f", to: "/b/f")
    try fileSystem.synchronizeDirectory("/a")
    #expect(try outcomes(of: fileSystem, contents("/b/f")) == ["1"])
    #expect(try outcomes(of: fileSystem, contents("/a/f")) == ["none"])
  }

  @Test func aRemovedNameMayReappear() throws {
    let fileSystem = SimulatedFileSystem()
    try fileSystem.writeDurably([1], to: "/f", permissions: .ownerReadWrite)
    try fileSystem.remove("/f")
    #expect(try outcomes(of: fileSystem, contents("/f")) == ["none", "1"])
    try fileSystem.synchronizeDirectory("/")
    #expect(try outcomes(of: fileSystem, contents("/f")) == ["none"])
  }

  @Test func filesInAnUnsynchronisedDirectoryMayBeLost() throws {
    let fileSystem = SimulatedFileSystem()
    try fileSystem.createDirectory("/d", permissions: .ownerReadWriteExecute)
    try fileSystem.writeDurably([1], to: "/d/f", permissions: .ownerReadWrite)
    let seen = outcomes(of: fileSystem) { crashed in
      do { return try contents("/d/f")(crashed) } catch { return "\(error)" }
    }
    #expect(seen == ["none", "1"])
  }

  @Test func afterAFailedSynchronisationALaterOneProvesNothing() throws {
    let fileSystem = SimulatedFileSystem()
    let file = try fileSystem.createFile("/f", permissions: .ownerReadWrite)
    try fileSystem.synchronizeDirectory("/")
    try write([7], to: file)
    fileSystem.setFaults { $0.kind == .synchronizeData ? .ioError : nil }
    #expect(throws: FileError.self) { try file.synchronizeData() }
    fileSystem.setFaults(nil)
    try file.synchronizeData()
    #expect(try outcomes(of: fileSystem, contents("/f")).isSuperset(of: ["", "7"]))
  }

  @Test func aKillLosesNothingButLocksAndSynchronisesNothing() throws {
    let fileSystem = SimulatedFileSystem()
    let file = try fileSystem.createFile("/f", permissions: .ownerReadWrite)
    try write([7], to: file)
    try file.lock(.exclusive)
    let killed = fileSystem.afterKill(at: fileSystem.operationCount)
    #expect(try contents("/f")(killed) == "7")
    #expect(try killed.openFile("/f", for: .reading).tryLock(.exclusive))
    #expect(try outcomes(of: killed, contents("/f")).isSuperset(of: ["none", "", "7"]))
  }

  @Test func aFullDiskTakesWhatFits() throws {
    let fileSystem = SimulatedFileSystem()
    fileSystem.setCapacity(bytes: 5)
    let file = try fileSystem.createFile("/f", permissions: .ownerReadWrite)
    let error = #expect(throws: FileError.self) {
      try write(Array(repeating: 1, count: 8), to: file)
    }
    #expect(error?.code == .noSpace)
    #expect(try file.sizeBytes() == 5)
    try write([2, 2], to: file, at: 1)
  }

  @Test func theSameSeedLeavesTheSame() throws {
    let fileSystem = SimulatedFileSystem()
    for number in 0..<20 {
      let file = try fileSystem.createFile(FilePath("/f\(number)"), permissions: .ownerReadWrite)
      try write(Array(repeating: 9, count: 2_000), to: file)
    }
    let results = try (0..<2).map { _ in
      var random = SeededRandom(seed: 42)
      let crashed = fileSystem.afterPowerFailure(at: fileSystem.operationCount, using: &random)
      return try crashed.list("/").map { try contents(FilePath("/\($0.name)"))(crashed) }
    }
    #expect(results[0] == results[1])
  }
}
