import CLinux
import Glibc

/// The descriptors 0, 1 and 2, which a caller may have closed.
enum StandardDescriptors {
  /// Opens those that are closed on `/dev/null`, before anything else is opened: a file of the
  /// repository would get their numbers otherwise, and messages would be written into it.
  ///
  /// Standard input is opened for writing only, so that reading from it fails: a backup of `-` must
  /// not take it for an empty disk.
  static func occupy() {
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(number, F_GETFD) == -1 && errno == EBADF {
      // open(2) returns the lowest number that is free, which is this one.
      let opened = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDWR)
      // Where there is no /dev, anything that cannot be written to does.
      if opened < 0, open("/", linux_open_path_only) < 0 { exit(EXIT_FAILURE) }
    }
  }
}
