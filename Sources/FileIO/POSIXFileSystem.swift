import CLinux
import Glibc
package import SystemPackage

/// The file system of this machine.
package struct POSIXFileSystem: FileSystem {
  /// The number of threads that wait for the storage at once. More threads gain little (measured on
  /// ext4).
  package let concurrentChanges = 8

  package init() {}

  package func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    try open(path, as: "create", flags: O_RDWR | O_CREAT | O_EXCL, permissions: permissions)
  }

  package func openFile(
    _ path: FilePath, for access: FileAccess
  ) throws(FileError) -> any OpenFile {
    let flags = access == .reading ? O_RDONLY : O_RDWR
    do {
      // Without O_NONBLOCK, opening a FIFO would wait for a writer.
      return try open(path, as: "open", flags: flags | O_NONBLOCK)
    } catch  where error.errno == .resourceTemporarilyUnavailable {
      // A client of a file server has a lease on the file; the server is taking the lease back.
      return try open(path, as: "open", flags: flags)
    }
  }

  package func createDirectory(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) {
    try call("create directory", path) { mkdir($0, permissions.rawValue) }
  }

  package func list(_ directory: FilePath) throws(FileError) -> [DirectoryEntry] {
    do {
      return try DirectoryStream(directory).readEntries().sorted { $0.name < $1.name }
    } catch {
      throw FileError(operation: "list", path: directory, errno: error)
    }
  }

  package func metadata(of path: FilePath) throws(FileError) -> FileMetadata {
    var status = stat()
    try call("stat", path) { stat($0, &status) }
    return status.metadata
  }

  package func rename(_ source: FilePath, to destination: FilePath) throws(FileError) {
    do {
      try retryingCall {
        source.withPlatformString { from in
          destination.withPlatformString { Glibc.rename(from, $0) }
        }
      }
    } catch {
      throw FileError(operation: "rename", path: source, destination: destination, errno: error)
    }
  }

  package func remove(_ path: FilePath) throws(FileError) {
    try call("remove", path) { Glibc.remove($0) }
  }

  package func synchronizeDirectory(_ path: FilePath) throws(FileError) {
    do {
      let directory = try Descriptor(opening: path, flags: O_RDONLY | O_DIRECTORY)
      try directory.synchronizeNames(of: path)
    } catch {
      throw FileError(operation: "synchronise directory", path: path, errno: error)
    }
  }

  package func copiesOnWrite(_ directory: FilePath) -> Bool {
    var status = statfs()
    return directory.withPlatformString { statfs($0, &status) } == 0 && status.copiesOnWrite
  }

  package func confined(
    to directory: FilePath, newFiles: NewFileAccess
  ) -> any FileSystem {
    ConfinedFileSystem(root: directory, newFiles: newFiles)
  }

  package func bootID() throws(FileError) -> String {
    try SystemFile("/proc/sys/kernel/random/boot_id").lines().first.map(String.init) ?? ""
  }

  private func open(
    _ path: FilePath, as operation: String, flags: CInt, permissions: FilePermissions = []
  ) throws(FileError) -> POSIXFile {
    do {
      let descriptor = try Descriptor(opening: path, flags: flags, permissions: permissions)
      return POSIXFile(path: path, descriptor: descriptor)
    } catch {
      throw FileError(operation: operation, path: path, errno: error)
    }
  }

  private func call(
    _ operation: String, _ path: FilePath, _ body: (UnsafePointer<CChar>) -> CInt
  ) throws(FileError) {
    do {
      try retryingCall { path.withPlatformString(body) }
    } catch {
      throw FileError(operation: operation, path: path, errno: error)
    }
  }
}
