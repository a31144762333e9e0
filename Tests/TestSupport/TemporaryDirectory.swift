import FileIO
import Glibc
package import SystemPackage

/// A directory of its own for one test, removed with all it holds when the value goes.
package final class TemporaryDirectory: Sendable {
  package let path: FilePath

  /// Made in `$TMPDIR`, or in `/tmp`.
  ///
  /// - Parameter inMemory: made in memory where the system has a place for that: for tests whose
  ///   thousands of `fsync` on a real disk would prove nothing.
  package init(inMemory: Bool = false) throws {
    let memory = "/dev/shm"
    let parent =
      inMemory && access(memory, W_OK) == 0
      ? memory : getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array((parent + "/varve-test-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      throw FileError(
        operation: "make directory in", path: FilePath(parent), errno: Errno(rawValue: errno))
    }
    path = FilePath(platformString: template)
  }

  deinit {
    try? POSIXFileSystem().removeTree(path)
  }

  /// The path of `name` in this directory.
  package func appending(_ name: String) -> FilePath { path.appending(name) }

  /// Makes a file with these contents.
  @discardableResult
  package func file(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    let path = appending(name)
    let file = try POSIXFileSystem().createFile(path, permissions: .ownerReadWrite)
    defer { file.close() }
    try bytes.withUnsafeBytes { try file.write($0, at: 0) }
    return path
  }

  /// The names in this directory, sorted.
  package func names() throws -> [String] {
    try POSIXFileSystem().list(path).map(\.name)
  }
}
