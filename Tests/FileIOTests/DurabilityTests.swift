import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct DurabilityTests {
  @Test(arguments: FileSystemKind.allCases, [0, 1, 100_000])
  func whatIsWrittenIsReadBack(_ kind: FileSystemKind, count: Int) throws {
    let place = try kind.makePlace()
    var random = SeededRandom()
    let bytes = random.bytes(count)
    let path = place.appending("file")
    try place.fileSystem.writeDurably(bytes, to: path, permissions: .ownerReadWrite)
    #expect(try place.fileSystem.readAll(path, limitBytes: count) == bytes, "\(random)")
    #expect(try place.names() == ["file"])
  }

  @Test(arguments: FileSystemKind.allCases)
  func writingReplacesWhatWasThere(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = try place.file("file", [1, 2, 3])
    try place.fileSystem.writeDurably([9], to: path, permissions: .ownerReadWrite)
    #expect(try place.fileSystem.readAll(path, limitBytes: 10) == [9])
    #expect(try place.names() == ["file"])
  }

  @Test(arguments: FileSystemKind.allCases)
  func aFailureLeavesTheOldContentsAndNoTemporaryFile(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    // A file cannot replace a directory that is not empty: the rename fails.
    let path = place.appending("taken")
    try place.fileSystem.createDirectories(path.appending("inner"))
    #expect(throws: FileError.self) {
      try place.fileSystem.writeDurably([9], to: path, permissions: .ownerReadWrite)
    }
    #expect(try place.names() == ["taken"])
  }

  @Test(arguments: FileSystemKind.allCases)
  func readingIsBounded(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = try place.file("file", [1, 2, 3])
    let error = #expect(throws: FileError.self) {
      _ = try place.fileSystem.readAll(path, limitBytes: 2)
    }
    #expect(error?.errno == .fileTooLarge)
    #expect(error?.detail == .tooLarge(limitBytes: 2))
  }

  @Test(arguments: FileSystemKind.allCases)
  func makesWhatIsMissingAboveADirectory(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = place.appending("a").appending("b").appending("c")
    try place.fileSystem.createDirectories(path)
    try place.fileSystem.createDirectories(path)
    #expect(try place.fileSystem.metadata(of: path).kind == .directory)
  }

  @Test(arguments: FileSystemKind.allCases)
  func aFileInTheWayOfADirectoryIsAnError(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = try place.file("file", [])
    for path in [path, path.appending("below")] {
      let error = #expect(throws: FileError.self) { try place.fileSystem.createDirectories(path) }
      #expect(error?.code == .notDirectory)
    }
  }

  @Test func temporaryNamesDifferAndStayInTheDirectory() {
    let path: FilePath = "/srv/varve/config"
    let names = Set((0..<100).map { _ in path.temporarySibling() })
    #expect(names.count == 100)
    #expect(names.allSatisfy { $0.string.hasPrefix("/srv/varve/.tmp-") })
    #expect(FilePath("config").temporarySibling().string.hasPrefix("./.tmp-"))
  }
}

/// Files that are written together, and directory trees that are removed.
@Suite struct GroupDurabilityTests {
  @Test func eachFileOfAGroupIsThereWholeOrNotAtAll() throws {
    let fileSystem = SimulatedFileSystem()
    try fileSystem.createDirectories("/group")
    let begun = fileSystem.operationCount
    let files = (0..<3).map { number in
      NewFile(
        path: FilePath("/group/file\(number)"),
        bytes: [UInt8](repeating: UInt8(number + 1), count: 1000))
    }
    try fileSystem.writeDurably(files, in: "/group", permissions: .ownerReadWrite)
    let end = fileSystem.operationCount
    for count in begun...end {
      for seed in 0..<20 as Range<UInt64> {
        var random = SeededRandom(seed: seed)
        let crashed = fileSystem.afterPowerFailure(at: count, using: &random)
        for file in files {
          let found = try? crashed.readAll(file.path, limitBytes: 2000)
          #expect(found == file.bytes || (found == nil && count < end), "\(count), \(seed)")
        }
      }
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aTreeIsRemovedWithAllItHolds(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let tree = place.appending("tree")
    try place.fileSystem.createDirectories(tree.appending("inner").appending("innermost"))
    for path in [tree, tree.appending("inner")] {
      try place.fileSystem.writeDurably(
        [1], to: path.appending("file"), permissions: .ownerReadWrite)
    }
    try place.fileSystem.removeTree(tree)
    #expect(try place.names() == [])
  }
}
