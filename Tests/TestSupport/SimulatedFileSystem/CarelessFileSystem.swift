package import FileIO
package import SystemPackage

/// A file system that leaves out what makes a store crash-safe: the planted bugs that crash tests must
/// find.
package struct CarelessFileSystem: FileSystem {
  /// What is left out, where the path of the file or directory contains a certain text.
  package enum Lapse: Sendable, CustomStringConvertible {
    /// Contents are never synchronised.
    case contents(of: String)
    /// Names in the directory whose path ends like this are never synchronised; with a slash at the
    /// end, those in the directories below it.
    case names(in: String)
    /// Files get their names before their contents are synchronised.
    case namesFirst(of: String)
    /// Every boot is said to be this one.
    case boots(as: String)

    package var description: String {
      switch self {
      case .contents(let text): "contents of *\(text)* not synchronised"
      case .names(let text): "names in *\(text) not synchronised"
      case .namesFirst(let text): "names of *\(text)* before contents"
      case .boots: "boots not told from one another"
      }
    }
  }

  private let base: SimulatedFileSystem
  private let lapse: Lapse

  package init(_ base: SimulatedFileSystem, lapse: Lapse) {
    self.base = base
    self.lapse = lapse
  }

  package func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    let file = try base.createFile(path, permissions: permissions)
    switch lapse {
    case .contents(let text), .namesFirst(let text):
      return path.string.contains(text) ? CarelessFile(file) : file
    case .names, .boots:
      return file
    }
  }

  package func openFile(
    _ path: FilePath, for access: FileAccess
  ) throws(FileError) -> any OpenFile {
    try base.openFile(path, for: access)
  }

  package func createDirectory(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) {
    try base.createDirectory(path, permissions: permissions)
  }

  package func list(_ directory: FilePath) throws(FileError) -> [DirectoryEntry] {
    try base.list(directory)
  }

  package func metadata(of path: FilePath) throws(FileError) -> FileMetadata {
    try base.metadata(of: path)
  }

  package func rename(_ source: FilePath, to destination: FilePath) throws(FileError) {
    try base.rename(source, to: destination)
    if case .namesFirst(let text) = lapse, source.string.contains(text) {
      try base.openFile(destination, for: .reading).synchronizeData()
    }
  }

  package func remove(_ path: FilePath) throws(FileError) { try base.remove(path) }

  package func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    if case .names(let text) = lapse {
      let isMeant =
        text.hasSuffix("/") ? path.string.contains(text) : path.string.hasSuffix("/" + text)
      if isMeant { return }
    }
    try base.synchronizeDirectory(path)
  }

  package func bootID() throws(FileError) -> String {
    if case .boots(let id) = lapse { id } else { base.bootID() }
  }
}

/// A file that takes writing for storing.
private final class CarelessFile: OpenFile {
  private let base: any OpenFile

  init(_ base: any OpenFile) { self.base = base }

  var path: FilePath { base.path }

  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) -> Int { try base.read(into: buffer, at: offsetBytes) }

  func write(_ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64) throws(FileError) {
    try base.write(bytes, at: offsetBytes)
  }

  func synchronizeData() {}
  func sizeBytes() throws(FileError) -> UInt64 { try base.sizeBytes() }

  func setSize(bytes sizeBytes: UInt64) throws(FileError) { try base.setSize(bytes: sizeBytes) }

  func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(FileError) {
    try base.punchHole(at: offsetBytes, lengthBytes: lengthBytes)
  }

  func dataStart(from offsetBytes: UInt64) throws(FileError) -> UInt64? {
    try base.dataStart(from: offsetBytes)
  }

  func tryLock(_ mode: LockMode) throws(FileError) -> Bool { try base.tryLock(mode) }
  func lock(_ mode: LockMode) throws(FileError) { try base.lock(mode) }
  func unlock() throws(FileError) { try base.unlock() }
  func close() { base.close() }
}
