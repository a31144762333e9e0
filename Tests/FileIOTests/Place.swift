import FileIO
import SystemPackage
import TestSupport

/// The file systems that must behave alike. A proof on the simulated file system is valid for the
/// real one only if both behave alike.
enum FileSystemKind: CaseIterable {
  case posix
  case confined
  case simulated

  /// An empty directory.
  func makePlace() throws -> Place {
    switch self {
    case .posix:
      let directory = try TemporaryDirectory()
      return Place(fileSystem: POSIXFileSystem(), path: directory.path, directory: directory)
    case .confined:
      let directory = try TemporaryDirectory()
      let fileSystem = POSIXFileSystem().confined(to: directory.path, newFiles: .likeDirectory)
      return Place(fileSystem: fileSystem, path: directory.path, directory: directory)
    case .simulated:
      let fileSystem = SimulatedFileSystem()
      try fileSystem.createDirectory("/place", permissions: .ownerReadWriteExecute)
      return Place(fileSystem: fileSystem, path: "/place", directory: nil)
    }
  }
}

/// A directory in one of the file systems. It is removed when the value is released.
struct Place {
  let fileSystem: any FileSystem
  let path: FilePath
  fileprivate let directory: TemporaryDirectory?

  fileprivate init(fileSystem: any FileSystem, path: FilePath, directory: TemporaryDirectory?) {
    self.fileSystem = fileSystem
    self.path = path
    self.directory = directory
  }

  func appending(_ name: String) -> FilePath { path.appending(name) }

  /// Creates a file with these contents.
  @discardableResult
  func file(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    let path = appending(name)
    let file = try fileSystem.createFile(path, permissions: .ownerReadWrite)
    defer { file.close() }
    try bytes.withUnsafeBytes { try file.write($0, at: 0) }
    return path
  }

  /// The names in the directory, sorted.
  func names() throws -> [String] { try fileSystem.list(path).map(\.name) }
}
