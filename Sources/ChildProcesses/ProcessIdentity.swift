import FileIO
package import Glibc
import SystemPackage

/// A process of this machine, which a later process can tell from another one with its number.
package struct ProcessIdentity: Equatable, Sendable {
  package let id: pid_t
  /// Clock ticks from the start of the machine to that of the process; proc_pid_stat(5), field 22.
  package let startTicks: UInt64

  /// The process `id` as it is now; nil where there is none.
  package init?(of id: pid_t) {
    guard let status = Self.status(of: id) else { return nil }
    self.init(id: id, startTicks: status.startTicks)
  }

  package init(id: pid_t, startTicks: UInt64) {
    self.id = id
    self.startTicks = startTicks
  }

  /// A zombie, which only its parent has not noticed yet, runs no more.
  package var isRunning: Bool {
    guard let status = Self.status(of: id) else { return false }
    return status.startTicks == startTicks && status.state != "Z"
  }

  /// Asks the process to end, and ends it when it does not. Blocks until it is gone.
  ///
  /// - Parameter patience: how long it may take by itself.
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
  /// The name may hold spaces and brackets.
  private static func status(of id: pid_t) -> (state: Substring, startTicks: UInt64)? {
    guard let line = try? SystemFile(FilePath("/proc/\(id)/stat")).lines().first,
      let end = line.lastIndex(of: ")")
    else { return nil }
    let fields = line[line.index(after: end)...].split(separator: " ")
    guard fields.count > 19, let ticks = UInt64(fields[19]) else { return nil }
    return (fields[0], ticks)
  }
}

/// Waiting for what nobody announces.
package enum Waiting {
  private static let intervalMicroseconds: UInt32 = 20_000

  /// Asks again and again until `condition` holds.
  ///
  /// - Returns: false when it does not hold after `patience`.
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
