import ChildProcesses
import Glibc
import Workers

/// Shows, while something runs, how far it has come: on a terminal from the first second on, five times a
/// second; elsewhere a line a minute. SIGUSR1 asks for a line at once.
enum ProgressDisplay {
  /// Seconds between lines where standard error is no terminal; 0 for none.
  static let intervalVariable = "VARVE_PROGRESS"

  private static let pollMicroseconds: UInt32 = 200_000
  private static let patience = Duration.seconds(1)
  private static let standardInterval = Duration.seconds(60)

  /// Runs `body`, asking `reading` now and then.
  static func showing<Result>(
    _ reading: @escaping @Sendable () -> ProgressReading?, while body: () throws -> Result
  ) throws -> Result {
    let ended = CancellationFlag()
    // Not joined: it may be asleep, and shows nothing once the flag is raised.
    _ = try WorkerThread(name: "progress") { show(reading, until: ended) }
    defer {
      ended.cancel()
      Console.shared.clearStatus()
    }
    return try Interruption.shared.answeringReportRequests(
      { report(reading()) }, while: body)
  }

  /// The time between two lines where standard error is no terminal; nil where none are wanted.
  static func interval(_ text: String?) -> Duration? {
    guard let seconds = text.flatMap(UInt32.init) else { return standardInterval }
    return seconds == 0 ? nil : .seconds(Int64(seconds))
  }

  private static func show(
    _ reading: @Sendable () -> ProgressReading?, until ended: CancellationFlag
  ) {
    let isTerminal = Terminal.messages.isTerminal
    let interval = isTerminal ? .zero : interval(Environment[intervalVariable])
    guard let interval else { return }
    let start = ContinuousClock.now
    var due = start.advanced(by: isTerminal ? patience : interval)
    var line = ProgressLine()
    while !ended.isCancelled {
      usleep(pollMicroseconds)
      let now = ContinuousClock.now
      guard now >= due, let reading = reading() else { continue }
      due = now.advanced(by: interval)
      let columns = isTerminal ? Terminal.messages.columns - 1 : .max
      let text = line.text(
        for: reading, at: start.duration(to: now) / .seconds(1), columns: columns)
      if isTerminal {
        Console.shared.showStatus(text, unless: ended)
      } else if !ended.isCancelled {
        Console.shared.message(text)
      }
    }
  }

  private static func report(_ reading: ProgressReading?) {
    guard let reading else { return Console.shared.message("no progress to show yet") }
    var line = ProgressLine()
    Console.shared.message(line.text(for: reading, at: 0, columns: .max))
  }
}
