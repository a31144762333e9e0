import ChildProcesses
import FileIO
import Glibc

/// How long the program waits for a lock that another process holds.
enum LockPatience {
  static let variable = "VARVE_LOCK_TIMEOUT"

  /// Reads the variable, and has whoever holds a lock for long named on standard error.
  static func begin() {
    LockWaiting.configure(limit: limit) { path, holders in
      Console.shared.message("waiting for \(path), which is locked by \(holders.names)")
    }
  }

  private static var limit: Duration {
    guard let text = getenv(variable).map({ String(cString: $0) }), !text.isEmpty else {
      return LockWaiting.standardLimit
    }
    guard let seconds = UInt32(text) else {
      Console.shared.warning("\(variable) is ignored: expected whole seconds, found '\(text)'")
      return LockWaiting.standardLimit
    }
    return .seconds(Int64(seconds))
  }
}
