import FileIO
import Glibc
import SystemPackage

/// A file that takes all messages of this process.
struct LogFile {
  let path: String

  /// Opens the file, or makes it, and has messages appended to it; to be called again when the file was
  /// moved away.
  ///
  /// - Throws: ``Failure`` where it cannot be written to; then messages go where they went before.
  func open() throws(Failure) {
    do throws(Errno) {
      let file = try Descriptor(
        opening: FilePath(path), flags: O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY,
        permissions: [.ownerReadWrite, .groupRead])
      try retryingCall { dup2(file.rawValue, STDERR_FILENO) }
    } catch {
      throw Failure("cannot write to the log file \(path): \(error.explanation)")
    }
  }
}
