import FileIO
import SystemPackage
import Testing

/// Many names and directories at once, on file systems with and without concurrent changes.
@Suite struct GroupedChangesTests {
  @Test(arguments: FileSystemKind.allCases)
  func filesOfManyDirectoriesGoTogether(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    var files: [FilePath] = []
    for directory in 0..<20 {
      try place.fileSystem.createDirectories(place.appending("\(directory)"))
      for file in 0..<5 { files.append(try place.file("\(directory)/\(file)", [1])) }
    }
    let kept = try place.file("0/kept", [1])
    files.append(place.appending("3/gone before"))
    try place.fileSystem.removeIfThere(files)
    try place.fileSystem.synchronizeDirectories((0..<20).map { place.appending("\($0)") })
    #expect(try place.fileSystem.list(place.appending("0")).map(\.name) == ["kept"])
    for directory in 1..<20 {
      #expect(try place.fileSystem.list(place.appending("\(directory)")).isEmpty)
    }
    #expect(try place.fileSystem.exists(kept))
  }

  @Test(arguments: FileSystemKind.allCases)
  func aDirectoryThatIsGoneIsAnErrorUnlessItDoesNotMatter(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    let directories = [place.path, place.appending("gone"), place.path]
    let error = #expect(throws: FileError.self) {
      try place.fileSystem.synchronizeDirectories(directories)
    }
    #expect(error?.code == .notFound)
    try place.fileSystem.synchronizeDirectories(directories, ignoring: [.notFound])
  }

  @Test(arguments: FileSystemKind.allCases)
  func aDirectoryIsNotRemovedWithFiles(_ kind: FileSystemKind) throws {
    let place = try kind.makePlace()
    try place.fileSystem.createDirectories(place.appending("full/inner"))
    #expect(throws: FileError.self) {
      try place.fileSystem.removeIfThere([place.appending("full"), place.appending("other")])
    }
    #expect(try place.names() == ["full"])
  }
}
