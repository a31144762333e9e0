import FileIO
import Glibc
import SystemPackage

/// A file with the number of this process, for those who are to send it signals.
struct PIDFile {
  let path: String

  /// Written when the server is ready; replaces what is there.
  func write() throws {
    let temporary = "\(path).\(getpid())"
    let text = Array("\(getpid())\n".utf8)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, text, text.count) == text.count, rename(temporary, path) == 0
    else {
      let error = failure()
      unlink(temporary)
      throw error
    }
  }

  func remove() { unlink(path) }

  private func failure() -> Failure {
    Failure("cannot write the file \(path): \(Errno(rawValue: errno).explanation)")
  }
}
