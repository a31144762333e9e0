import FileIO
import Glibc
import SystemPackage

/// A file with the number of this process, for those who are to send it signals.
struct PIDFile {
  private static let limitBytes = 64

  private let path: FilePath
  /// The file's directory, in which no link is followed.
  private let fileSystem: any FileSystem

  init(path: String) {
    let (path, directory) = (FilePath(escaped: path), FilePath(escaped: path).parentDirectory)
    self.path = path.lastComponent.map { directory.appending($0) } ?? path
    fileSystem = POSIXFileSystem().confined(to: directory, newFiles: .user)
  }

  private var text: [UInt8] { Array("\(getpid())\n".utf8) }

  /// Written when the server is ready; replaces a file that is there.
  func write() throws(FileError) {
    do throws(FileError) {
      try fileSystem.writeDurably(
        text, to: path, permissions: [.ownerReadWrite, .groupRead, .otherRead])
    } catch {
      // Not the unfinished file, which nobody asked for.
      throw FileError(operation: "write", path: path, errno: error.errno)
    }
  }

  /// Removes the file, unless another process has put its own there.
  func remove() {
    guard (try? fileSystem.readAll(path, limitBytes: Self.limitBytes)) == text else { return }
    try? fileSystem.remove(path)
  }
}
