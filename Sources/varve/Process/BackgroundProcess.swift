import CLinux
import FileIO
import Glibc
import Synchronization
import SystemPackage

/// This program in the background: the process that was started waits until its child is ready, as
/// daemon(7) wants it.
///
/// ```
/// process that was started   fork ──▶ wait for a byte ──▶ ends with 0, or as the child has ended
/// child                       └─▶ begin ──▶ enterOwnSession ──▶ becomeReady: the byte ──▶ goes on
/// ```
///
/// Until it is ready, the child asks for passphrases and complains where the first process would have.
/// The current directory stays, so that relative paths mean the same later.
final class BackgroundProcess: Sendable {
  static let shared = BackgroundProcess()

  /// The pipe's end on which the first process is told; nil in a process that is in nobody's background.
  private let pipe = Mutex<CInt?>(nil)

  /// Goes on in a child. To be called while there is one thread only.
  ///
  /// - Throws: ``Failure`` where there can be no child.
  func begin() throws(Failure) {
    var ends: [CInt] = [-1, -1]
    guard linux_make_pipe(&ends) == 0 else { throw Self.failure() }
    let child = linux_fork()
    guard child >= 0 else { throw Self.failure() }
    if child > 0 {
      close(ends[1])
      _exit(Self.outcome(of: child, told: ends[0]))
    }
    close(ends[0])
    pipe.withLock { $0 = ends[1] }
  }

  /// Leaves the terminal's signals behind; nothing can be asked there any more. (setsid(2))
  func enterOwnSession() {
    if pipe.withLock({ $0 != nil }) { setsid() }
  }

  /// Lets the first process end. Standard input and output lead nowhere from then on, and messages to
  /// the system's log, unless `hasLog` says that they have a file already.
  ///
  /// - Throws: ``Failure`` where the first process is gone: whoever started it knows nothing of this one.
  func becomeReady(hasLog: Bool) throws(Failure) {
    guard let end = pipe.withLock({ $0.take() }) else { return }
    defer { close(end) }
    do throws(Errno) {
      let nothing = try Descriptor(opening: "/dev/null", flags: O_RDWR)
      for number in [STDIN_FILENO, STDOUT_FILENO] { try replace(number, with: nothing) }
      var byte: UInt8 = 1
      guard Glibc.write(end, &byte, 1) == 1 else {
        throw Errno(rawValue: errno)
      }
      guard !hasLog else { return }
      Console.shared.useSystemLog()
      try replace(STDERR_FILENO, with: nothing)
    } catch {
      throw Failure(.failed, "cannot continue in the background: \(error.explanation)")
    }
  }

  private func replace(_ number: CInt, with other: borrowing Descriptor) throws(Errno) {
    try retryingCall { dup2(other.rawValue, number) }
  }

  /// The exit status of the first process.
  private static func outcome(of child: pid_t, told pipe: CInt) -> CInt {
    var byte: UInt8 = 0
    var count = 0
    repeat { count = read(pipe, &byte, 1) } while count < 0 && errno == EINTR
    if count == 1 { return ExitStatus.done.rawValue }
    var status: CInt = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    let signal = status & 0x7f
    guard signal == 0 else {
      Console.shared.message("the background process ended with signal \(signal)")
      return ExitStatus.failed.rawValue
    }
    return status >> 8 & 0xff
  }

  private static func failure() -> Failure {
    Failure(.failed, "cannot start in the background: \(Errno(rawValue: errno).explanation)")
  }
}
