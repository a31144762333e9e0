package import FileIO
package import SystemPackage

/// A file system that does what another one does, but for what the type that conforms does itself.
package protocol ForwardingFileSystem: FileSystem {
  associatedtype Base: FileSystem

  var base: Base { get }
}

extension ForwardingFileSystem {
  package func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    try base.createFile(path, permissions: permissions)
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
  }

  package func remove(_ path: FilePath) throws(FileError) { try base.remove(path) }

  package func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    try base.synchronizeDirectory(path)
  }

  package func bootID() throws(FileError) -> String { try base.bootID() }
}

/// An open file that does what another one does, but for what the type that conforms does itself.
package protocol ForwardingFile: OpenFile {
  var base: any OpenFile { get }
}

extension ForwardingFile {
  package var path: FilePath { base.path }

  package func read(
    into buffer: UnsafeMutableRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) -> Int { try base.read(into: buffer, at: offsetBytes) }

  package func write(
    _ bytes: UnsafeRawBufferPointer, at offsetBytes: UInt64
  ) throws(FileError) {
    try base.write(bytes, at: offsetBytes)
  }

  package func synchronizeData() throws(FileError) { try base.synchronizeData() }

  package func sizeBytes() throws(FileError) -> UInt64 { try base.sizeBytes() }

  package func setSize(bytes sizeBytes: UInt64) throws(FileError) {
    try base.setSize(bytes: sizeBytes)
  }

  package func punchHole(at offsetBytes: UInt64, lengthBytes: UInt64) throws(FileError) {
    try base.punchHole(at: offsetBytes, lengthBytes: lengthBytes)
  }

  package func dataStart(from offsetBytes: UInt64) throws(FileError) -> UInt64? {
    try base.dataStart(from: offsetBytes)
  }

  package func tryLock(_ mode: LockMode) throws(FileError) -> Bool { try base.tryLock(mode) }
  package func lock(_ mode: LockMode) throws(FileError) { try base.lock(mode) }
  package func unlock() throws(FileError) { try base.unlock() }
  package func close() { base.close() }
}

/// A simulated file system whose open files are wrapped, each in one that does something else.
package struct WrappedFiles: ForwardingFileSystem {
  package let base = SimulatedFileSystem()
  private let wrap: @Sendable (any OpenFile) -> any OpenFile

  package init(_ wrap: @escaping @Sendable (any OpenFile) -> any OpenFile) { self.wrap = wrap }

  package func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    wrap(try base.createFile(path, permissions: permissions))
  }

  package func openFile(
    _ path: FilePath, for access: FileAccess
  ) throws(FileError) -> any OpenFile {
    wrap(try base.openFile(path, for: access))
  }
}
