import Glibc
package import SystemPackage

/// A text file of procfs or sysfs. Its size is known only after reading it.
package struct SystemFile {
  /// 16 MiB. On a machine with thousands of mounts, the mount table has about 1 MiB.
  private static let limitBytes = 16 << 20

  private let path: FilePath

  package init(_ path: FilePath) { self.path = path }

  /// All lines of the file, without empty lines.
  package func lines() throws(FileError) -> [Substring] {
    do {
      return String(escaping: try bytes()).split(separator: "\n")
    } catch {
      throw FileError(operation: "read", path: path, errno: error)
    }
  }

  private func bytes() throws(Errno) -> [UInt8] {
    let descriptor = try Descriptor(opening: path, flags: O_RDONLY)
    return try descriptor.readToEnd(limitBytes: Self.limitBytes)
  }
}
