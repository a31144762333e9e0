import Glibc
package import SystemPackage

/// A text file of procfs or sysfs, which has no size until it is read.
package struct SystemFile {
  /// 16 MiB: a machine with thousands of mounts has about one.
  private static let limitBytes = 16 << 20

  private let path: FilePath

  package init(_ path: FilePath) { self.path = path }

  /// All its lines, without empty ones.
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
