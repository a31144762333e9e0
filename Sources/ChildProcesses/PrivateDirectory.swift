package import FileIO
import Glibc
package import SystemPackage

/// A new directory that nobody else can look into.
package struct PrivateDirectory {
  package let path: FilePath

  /// - Parameter prefix: what its name begins with.
  package init(in parent: FilePath, prefix: String) throws(FileError) {
    var name = parent.appending(prefix + "XXXXXX").withPlatformString {
      Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
    }
    guard mkdtemp(&name) != nil else {
      throw FileError(
        operation: "make a directory in", path: parent, errno: Errno(rawValue: errno))
    }
    path = FilePath(platformString: name)
  }

  /// For files that nobody needs when the program has ended: in `$TMPDIR`, else in `/var/tmp`, since
  /// there may be much of them, and `/tmp` is often memory.
  package static func temporary() throws(FileError) -> PrivateDirectory {
    try PrivateDirectory(
      in: FilePath(escaped: Environment["TMPDIR"] ?? "/var/tmp"), prefix: "varve-")
  }

  package func remove() throws(FileError) { try Self.remove(path) }

  /// Removes a directory that was made here, and what is in it, through no link.
  package static func remove(_ path: FilePath) throws(FileError) {
    try POSIXFileSystem().confined(to: path.parentDirectory, newFiles: .user).removeTree(path)
  }
}
