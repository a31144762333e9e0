import FileIO
import SystemPackage
import TestSupport
import Testing

/// The behaviour that all file systems share, the real one and the simulated one.
@Suite struct FileSystemConformanceTests {
  @Test(arguments: FileSystemKind.allCases)
  func createsOnlyWhatDidNotExist(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = place.appending("new")
    try place.fileSystem.createFile(path, permissions: .ownerReadWrite).close()
    let error = #expect(throws: FileError.self) {
      _ = try place.fileSystem.createFile(path, permissions: .ownerReadWrite)
    }
    #expect(error?.code == .alreadyExists)
    #expect(error?.description == "cannot create \(path): File exists (EEXIST)")
  }

  @Test(arguments: FileSystemKind.allCases)
  func anythingMissingIsNotFound(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = place.appending("missing")
    let actions: [(String, () throws -> Void)] = [
      ("open", { _ = try place.fileSystem.openFile(path, for: .reading) }),
      ("list", { _ = try place.fileSystem.list(path) }),
      ("stat", { _ = try place.fileSystem.metadata(of: path) }),
      ("rename", { try place.fileSystem.rename(path, to: place.appending("other")) }),
      ("remove", { try place.fileSystem.remove(path) }),
      ("synchronise directory", { try place.fileSystem.synchronizeDirectory(path) }),
    ]
    for (operation, action) in actions {
      let error = #expect(throws: FileError.self, "\(operation)") { try action() }
      #expect(error?.code == .notFound)
      #expect(error?.operation == operation)
      #expect(error?.path == path)
    }
  }

  @Test(arguments: FileSystemKind.allCases)
  func aFileIsNoDirectory(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = try place.file("file", [1])
    let error = #expect(throws: FileError.self) { _ = try place.fileSystem.list(path) }
    #expect(error?.code == .notDirectory)
  }

  @Test(arguments: FileSystemKind.allCases)
  func aDirectoryIsNotWritten(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let error = #expect(throws: FileError.self) {
      _ = try place.fileSystem.openFile(place.path, for: .readingAndWriting)
    }
    #expect(error?.code == .isDirectory)
  }

  @Test(arguments: FileSystemKind.allCases)
  func renamingReplaces(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let old = try place.file("old", [1])
    let new = try place.file("new", [2, 2])
    let inode = try place.fileSystem.metadata(of: old).inode
    try place.fileSystem.rename(old, to: new)
    #expect(try place.names() == ["new"])
    #expect(try place.fileSystem.metadata(of: new).inode == inode)
  }

  @Test(arguments: FileSystemKind.allCases)
  func removesFilesAndEmptyDirectoriesOnly(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let inner = place.appending("inner")
    try place.fileSystem.createDirectory(inner, permissions: .ownerReadWriteExecute)
    let file = try place.file("inner/file", [])
    #expect(throws: FileError.self) { try place.fileSystem.remove(inner) }
    try place.fileSystem.remove(file)
    try place.fileSystem.remove(inner)
    #expect(try place.names().isEmpty)
  }

  @Test(arguments: FileSystemKind.allCases)
  func listsNamesSortedWithTheirKinds(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    try place.file("b", [])
    try place.fileSystem.createDirectory(
      place.appending("c"), permissions: .ownerReadWriteExecute)
    try place.file("a", [])
    #expect(
      try place.fileSystem.list(place.path) == [
        DirectoryEntry(name: "a", kind: .file), DirectoryEntry(name: "b", kind: .file),
        DirectoryEntry(name: "c", kind: .directory),
      ])
  }

  @Test(arguments: FileSystemKind.allCases)
  func metadataTellsFilesApart(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let first = try place.fileSystem.metadata(of: place.file("first", [1, 2, 3]))
    let second = try place.fileSystem.metadata(of: place.file("second", [1, 2, 3]))
    #expect(first.kind == .file)
    #expect(first.sizeBytes == 3)
    #expect(first.inode != second.inode)
    #expect(try place.fileSystem.metadata(of: place.path).kind == .directory)
  }

  /// If a file or directory cannot replace the other one, renaming fails and both stay.
  @Test(arguments: FileSystemKind.allCases)
  func renamingReplacesOnlyItsLike(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let file = try place.file("file", [1])
    let full = place.appending("full")
    try place.fileSystem.createDirectory(full, permissions: .ownerReadWriteExecute)
    try place.file("full/inner", [])
    let empty = place.appending("empty")
    try place.fileSystem.createDirectory(empty, permissions: .ownerReadWriteExecute)
    for (source, destination, expected) in [
      (file, full, Errno.isDirectory), (empty, file, .notDirectory),
      (empty, full, .directoryNotEmpty),
    ] {
      let error = #expect(throws: FileError.self) {
        try place.fileSystem.rename(source, to: destination)
      }
      #expect(error?.errno == expected)
    }
    #expect(try place.names() == ["empty", "file", "full"])
    try place.fileSystem.rename(file, to: file)
    #expect(try place.fileSystem.readAll(file, limitBytes: 9) == [1])
  }

  @Test(arguments: FileSystemKind.allCases)
  func aFileBelowAFileIsAnError(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let path = try place.file("file", [1]).appending("below")
    let error = #expect(throws: FileError.self) {
      _ = try place.fileSystem.createFile(path, permissions: .ownerReadWrite)
    }
    #expect(error?.code == .notDirectory)
  }
}
