import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct POSIXFileSystemTests {
  let fileSystem = POSIXFileSystem()
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func doesNotCreateThroughADanglingLink() throws {
    let link = directory.appending("link")
    #expect(symlink(directory.appending("nowhere").string, link.string) == 0)
    let error = #expect(throws: FileError.self) {
      _ = try fileSystem.createFile(link, permissions: .ownerReadWrite)
    }
    #expect(error?.code == .alreadyExists)
    #expect(try directory.names() == ["link"])
  }

  @Test func listsNamesSortedWithTheirKinds() throws {
    try directory.file("b", [])
    try fileSystem.createDirectory(directory.appending("a"), permissions: .ownerReadWriteExecute)
    #expect(symlink("b", directory.appending("c").string) == 0)
    #expect(mkfifo(directory.appending("d").string, 0o600) == 0)
    let longName = String(repeating: "ü", count: 127)
    try directory.file(longName, [])
    #expect(
      try fileSystem.list(directory.path) == [
        DirectoryEntry(name: "a", kind: .directory),
        DirectoryEntry(name: "b", kind: .file),
        DirectoryEntry(name: "c", kind: .symbolicLink),
        DirectoryEntry(name: "d", kind: .pipe),
        DirectoryEntry(name: longName, kind: .file),
      ])
  }

  @Test func listsALargeDirectoryWhole() throws {
    for number in 0..<3_000 { try directory.file("file-\(number)", []) }
    #expect(Set(try directory.names()).count == 3_000)
  }

  @Test func metadataDescribesWhatALinkLeadsTo() throws {
    let file = try directory.file("file", [UInt8](repeating: 7, count: 4_321))
    let link = directory.appending("link")
    #expect(symlink("file", link.string) == 0)
    let metadata = try fileSystem.metadata(of: link)
    #expect(metadata == (try fileSystem.metadata(of: file)))
    #expect(metadata.kind == .file)
    #expect(metadata.sizeBytes == 4_321)
    #expect(abs(metadata.modified.seconds - Int64(time(nil))) < 60)
  }

  @Test func doesNotWaitForTheOtherEndOfAFIFO() throws {
    let path = directory.appending("fifo")
    #expect(mkfifo(path.string, 0o600) == 0)
    let file = try fileSystem.openFile(path, for: .reading)
    var byte: [UInt8] = [0]
    #expect(throws: FileError.self) {
      try byte.withUnsafeMutableBytes { _ = try file.read(into: $0, at: 0) }
    }
    #expect(try fileSystem.readAll(path, limitBytes: 10).isEmpty)
  }

  @Test func opensWithoutLeakingToChildren() throws {
    let file = try directory.file("file", [1])
    let descriptor = try Descriptor(opening: file, flags: O_RDONLY)
    #expect(fcntl(descriptor.rawValue, F_GETFD) & FD_CLOEXEC != 0)
  }
}
