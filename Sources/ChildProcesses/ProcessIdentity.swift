import FileIO
package import Glibc
import SystemPackage

/// Identifies a process of this machine. A later process can distinguish it from another process
/// with the same number.
package struct ProcessIdentity: Equatable, Sendable {
  package let id: pid_t
  /// Clock ticks from the start of the machine to the start of the process; proc_pid_stat(5), field
  /// 22.
  package let startTicks: UInt64

  /// The process that has the number `id` now; nil if there is none.
  package init?(of id: pid_t) {
    guard let status = Self.status(of: id) else { return nil }
    self.init(id: id, startTicks: status.startTicks)
  }

  package init(id: pid_t, startTicks: UInt64) {
    self.id = id
    self.startTicks = startTicks
  }

  /// Whether the process runs. A zombie does not run: it has ended, but its parent has not waited
  /// for it yet.
  package var isRunning: Bool {
    guard let status = Self.status(of: id) else { return false }
    return status.startTicks == startTicks && status.state != "Z"
  }

  /// Asks the process to end (SIGTERM), and kills it (SIGKILL) if it does not. Waits for its end, but
  /// returns after `patience` even if the killed process has not ended.
  ///
  /// - Parameter patience: the longest wait after each of the two signals.
  package func terminate(patience: Duration) {
    guard isRunning else { return }
    kill(id, SIGTERM)
    if Waiting.until(patience: patience, { !isRunning }) { return }
    kill(id, SIGKILL)
    Waiting.until(patience: patience) { !isRunning }
  }

  ///     PID (NAME) STATE … STARTTIME
  ///      1    2      3        22
  ///
  /// The name may contain spaces and brackets.
  private static func status(of id: pid_t) -> (state: Substring, startTicks: UInt64)? {
    guard let line = try? SystemFile(FilePath("/proc/\(id)/stat")).lines().first,
      let end = line.lastIndex(of: ")")
    else { return nil }
    let fields = line[line.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let ticks = UInt64(fields[19]) else { return nil }
    return (fields[0], ticks)
  }
}

/// Waiting for conditions of which the system sends no notice.
package enum Waiting {
  private static let intervalMicroseconds: UInt32 = 20_000

  /// Checks `condition` repeatedly until it is true.
  ///
  /// - Returns: false if it is still false after `patience`.
  @discardableResult
  package static func until(
    patience: Duration, _ condition: () throws -> Bool
  ) rethrows -> Bool {
    let deadline = ContinuousClock.now + patience
    while true {
      if try condition() { return true }
      guard ContinuousClock.now < deadline else { return false }
      usleep(intervalMicroseconds)
    }
  }
}
