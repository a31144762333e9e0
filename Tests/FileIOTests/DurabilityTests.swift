import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct DurabilityTests {
  let fileSystem = POSIXFileSystem()
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: [0, 1, 100_000])
  func whatIsWrittenIsReadBack(count: Int) throws {
    var random = SeededRandom()
    let bytes = random.bytes(count)
    let path = directory.appending("file")
    try fileSystem.writeDurably(bytes, to: path, permissions: .ownerReadWrite)
    #expect(try fileSystem.readAll(path, limitBytes: count) == bytes, "\(random)")
    #expect(try directory.names() == ["file"])
  }

  @Test func writingReplacesWhatWasThere() throws {
    let path = try directory.file("file", [1, 2, 3])
    try fileSystem.writeDurably([9], to: path, permissions: .ownerReadWrite)
    #expect(try fileSystem.readAll(path, limitBytes: 10) == [9])
    #expect(try directory.names() == ["file"])
  }

  @Test func aFailureLeavesTheOldContentsAndNoTemporaryFile() throws {
    // A directory with something in it cannot be replaced by a file: the rename fails.
    let path = directory.appending("taken")
    try fileSystem.createDirectories(path.appending("inner"))
    #expect(throws: FileError.self) {
      try fileSystem.writeDurably([9], to: path, permissions: .ownerReadWrite)
    }
    #expect(try directory.names() == ["taken"])
  }

  @Test func readingIsBounded() throws {
    let path = try directory.file("file", [1, 2, 3])
    let error = #expect(throws: FileError.self) {
      _ = try fileSystem.readAll(path, limitBytes: 2)
    }
    #expect(error?.errno == .fileTooLarge)
  }

  @Test func makesWhatIsMissingAboveADirectory() throws {
    let path = directory.appending("a").appending("b").appending("c")
    try fileSystem.createDirectories(path)
    try fileSystem.createDirectories(path)
    #expect(try fileSystem.metadata(of: path).kind == .directory)
  }

  @Test func aFileInTheWayOfADirectoryIsAnError() throws {
    let path = try directory.file("file", [])
    for path in [path, path.appending("below")] {
      let error = #expect(throws: FileError.self) { try fileSystem.createDirectories(path) }
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
