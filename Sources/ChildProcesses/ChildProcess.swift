import FileIO
package import Glibc
import Synchronization
package import SystemPackage

/// A child process that this process started. It can be waited for and sent signals.
package final class ChildProcess: Sendable {
  /// How a process ended.
  package enum Ending: Equatable, Sendable, CustomStringConvertible {
    case exited(CInt)
    case signalled(CInt)

    /// The value of `$?` in a shell.
    package var status: CInt {
      switch self {
      case .exited(let status): status
      case .signalled(let signal): 128 + signal
      }
    }

    package var description: String {
      switch self {
      case .exited(let status): "exit status \(status)"
      case .signalled(let signal): "signal \(signal)"
      }
    }

    /// Reads the status that waitpid(2) returns.
    fileprivate init(waitStatus: CInt) {
      let signal = waitStatus & 0x7f
      self = signal == 0 ? .exited(waitStatus >> 8 & 0xff) : .signalled(signal)
    }
  }

  package let id: pid_t

  private let ending = Mutex<Ending?>(nil)

  /// Starts the program.
  ///
  /// - Throws: the error of execve(2), such as `ENOENT` if the program does not exist.
  package init(_ launch: ProcessLaunch) throws(Errno) {
    id = try launch.spawn()
  }

  /// Waits until the process has ended.
  package func wait() throws(Errno) -> Ending {
    if let ending = try endingIfEnded() { return ending }
    // Leave the process a zombie until the lock is held. Otherwise another thread could send a
    // signal to a new process with the same number.
    var information = siginfo_t()
    try retryingCall { waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) }
    guard let ending = try endingIfEnded() else { throw .noChildProcess }
    return ending
  }

  /// The way in which the process ended; nil while it runs.
  package func endingIfEnded() throws(Errno) -> Ending? {
    try ending.withLock { ending throws(Errno) in
      if let ending { return ending }
      var status: CInt = 0
      if try retryingCall({ waitpid(id, &status, WNOHANG) }) == id {
        ending = Ending(waitStatus: status)
      }
      return ending
    }
  }

  /// Sends a signal, unless the process has been waited for.
  package func send(_ signal: CInt) {
    ending.withLock { ending in
      if ending == nil { kill(id, signal) }
    }
  }
}
