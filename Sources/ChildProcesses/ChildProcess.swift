import FileIO
package import Glibc
import Synchronization
package import SystemPackage

/// A program that this process started, until it has been waited for.
package final class ChildProcess: Sendable {
  /// How a process ended.
  package enum Ending: Equatable, Sendable, CustomStringConvertible {
    case exited(CInt)
    case signalled(CInt)

    /// As a shell has it in `$?`.
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

    /// From what waitpid(2) tells.
    fileprivate init(waitStatus: CInt) {
      let signal = waitStatus & 0x7f
      self = signal == 0 ? .exited(waitStatus >> 8 & 0xff) : .signalled(signal)
    }
  }

  package let id: pid_t

  private let ending = Mutex<Ending?>(nil)

  /// - Throws: what execve(2) says of the program, `ENOENT` where there is none.
  package init(_ launch: ProcessLaunch) throws(Errno) {
    id = try launch.spawn()
  }

  /// Waits until the process has ended.
  package func wait() throws(Errno) -> Ending {
    if let ending = try endingIfEnded() { return ending }
    // The process stays a zombie until the lock is held, so that nobody sends a signal to another
    // one that was given the same number.
    var information = siginfo_t()
    try retryingCall { waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) }
    guard let ending = try endingIfEnded() else { throw .noChildProcess }
    return ending
  }

  /// How it ended, nil while it runs.
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
