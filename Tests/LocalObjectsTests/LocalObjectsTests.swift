import FileIO
import ObjectStorage
import SystemPackage
import TestSupport
import Testing

@testable import LocalObjects

@Suite struct LocalObjectsTests {
  private let fileSystem = SimulatedFileSystem()
  private let layout = RepositoryLayout(root: "/repository")

  private func made(on other: (any FileSystem)? = nil) throws -> LocalObjects {
    let objects = LocalObjects(root: layout.root, fileSystem: other ?? fileSystem)
    try objects.create()
    return objects
  }

  /// Puts a pack, and returns its key.
  private func put(_ digit: Character, in objects: LocalObjects) throws -> ObjectKey {
    let upload = try objects.upload(to: .dataPacks)
    try upload.append([1, 2, 3])
    let key = ObjectKey(.dataPacks, String(repeating: digit, count: 64))
    try upload.finish(as: key.name)
    return key
  }

  // MARK: - Room

  @Test func whatDeletingNeedsIsThereFromTheBeginning() throws {
    let objects = try made()
    for directory in [layout.forgotten, layout.condemned] {
      #expect(try fileSystem.list(directory).isEmpty)
      try fileSystem.remove(directory)
    }
    // A copy may lack them; whoever stores makes them.
    objects.fillReserve()
    for directory in [layout.forgotten, layout.condemned] {
      #expect(try fileSystem.list(directory).isEmpty)
    }
  }

  @Test func aPartOfTheReserveIsWholeOrMissing() throws {
    let objects = try made()
    let third = layout.index.appending("reserve-3")
    fileSystem.setFaults { $0.kind == .write && $0.path == third ? .noSpace : nil }
    objects.fillReserve()
    fileSystem.setFaults(nil)
    #expect(try fileSystem.list(layout.index).map(\.name) == ["reserve-1", "reserve-2"])
    objects.fillReserve()
    #expect(try fileSystem.list(layout.index).count == 8)
    for file in try fileSystem.list(layout.index) {
      #expect(try fileSystem.metadata(of: layout.index.appending(file.name)).sizeBytes == 32 << 10)
    }
  }

  // MARK: - Packs

  @Test func aRemovedPackStaysRemoved() throws {
    let objects = try made()
    let key = try put("a", in: objects)
    #expect(try objects.remove(key))
    for seed in 0..<20 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let crashed = fileSystem.afterPowerFailure(
        at: fileSystem.operationCount, using: &random)
      #expect(try !crashed.exists(layout.path(of: key)), "seed \(seed)")
    }
    #expect(try !objects.remove(key))
  }

  @Test func aDirectoryOfPacksThatVanishesIsPassedOver() throws {
    let files = InterruptedFileSystem(fileSystem)
    let objects = try made(on: files)
    let (first, second) = (try put("a", in: objects), try put("b", in: objects))
    let directory = layout.shard(.dataPacks, of: second.name)
    files.interrupt(.before, .list, of: "data/aa") { [fileSystem] in
      try fileSystem.removeTree(directory)
    }
    #expect(try objects.list(.dataPacks).map(\.key) == [first])
    #expect(files.problems == [])
  }

  // MARK: - Sessions

  @Test func aSessionIsRemovedOnce() throws {
    let files = InterruptedFileSystem(fileSystem)
    let objects = try made(on: files)
    files.record()
    var session: (any StorageSession)? = try objects.beginSession(
      [1], name: String(repeating: "c", count: 32))
    session?.end()
    session?.end()
    session = nil
    #expect(files.calls.count { $0.hasPrefix("remove ") } == 1, "\(files.calls)")
  }

  // MARK: - Errors

  @Test func onlyARequiredAreaIsSaidToBeMissing() throws {
    let objects = try made()
    for area in [ObjectArea.revisions, .forgotten] {
      try fileSystem.remove(layout.directory(of: area))
      let error = #expect(throws: StorageError.self) { try objects.list(area) }
      #expect(error?.code == .missingArea)
      #expect(error?.isOfRequiredArea == (area == .revisions))
    }
  }
}
