import CLinux
import Glibc
import Synchronization

/// The descriptors 0, 1 and 2, which a caller may have closed.
enum StandardDescriptors {
  /// Whether standard output was closed when the program began: what is written there goes nowhere.
  static var isOutputClosed: Bool { outputWasClosed.load(ordering: .relaxed) }

  private static let outputWasClosed = Atomic(false)

  /// Opens those that are closed on `/dev/null`, before anything else is opened: a file of the
  /// repository would get their numbers otherwise, and messages would be written into it.
  ///
  /// Standard input is opened for writing only, so that reading from it fails: a backup of `-` must
  /// not take it for an empty disk.
  static func occupy() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(number, F_GETFD) == -1 && errno == EBADF {
      if number == STDOUT_FILENO { outputWasClosed.store(true, ordering: .relaxed) }
      // open(2) returns the lowest number that is free, which is this one.
      let opened = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDWR)
      // Where there is no /dev, anything that cannot be written to does.
      if opened < 0, open("/", linux_open_path_only) < 0 { exit(EXIT_FAILURE) }
    }
  }
}
