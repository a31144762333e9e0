package import FileIO
import Glibc
package import SystemPackage

/// A new directory that no other user can open.
package struct PrivateDirectory {
  package let path: FilePath

  /// Creates the directory.
  ///
  /// - Parameter prefix: the beginning of its name.
  package init(in parent: FilePath, prefix: String) throws(FileError) {
    var name = parent.appending(prefix + "XXXXXX").withPlatformString {
      Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
    }
    guard mkdtemp(&name) != nil else {
      throw FileError(
        operation: "create a directory in", path: parent, errno: Errno(rawValue: errno))
    }
    path = FilePath(platformString: name)
  }

  /// Creates a directory for files that nobody needs after the program has ended. It is in
  /// `$TMPDIR`, or in `/var/tmp` if that is not set: the files may be large, and `/tmp` is often in
  /// memory.
  package static func temporary() throws(FileError) -> PrivateDirectory {
    try PrivateDirectory(
      in: FilePath(escaped: Environment["TMPDIR"] ?? "/var/tmp"), prefix: "varve-")
  }

  package func remove() throws(FileError) { try Self.remove(path) }

  /// Removes a directory of this kind and its contents. Does not follow links.
  package static func remove(_ path: FilePath) throws(FileError) {
    try POSIXFileSystem().confined(to: path.parentDirectory, newFiles: .user).removeTree(path)
  }
}
