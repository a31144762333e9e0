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
    try opening { file throws(Errno) in try retryingCall { dup2(file.rawValue, STDERR_FILENO) } }
  }

  /// Makes the file if it is missing, so that whoever cannot have it is told before anything is served.
  ///
  /// - Throws: as ``open()`` does.
  func check() throws(Failure) { try opening { _ in } }

  private func opening(_ body: (borrowing Descriptor) throws(Errno) -> Void) throws(Failure) {
    do throws(Errno) {
      let file = try Descriptor(
        opening: FilePath(path), flags: O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY,
        permissions: [.ownerReadWrite, .groupRead])
      try body(file)
    } catch {
      throw Failure(
        FailureCode(error), "cannot write to the log file \(path): \(error.explanation)")
    }
  }
}
