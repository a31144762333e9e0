import Glibc
import Workers

/// Shows, while something runs, how far it has come: on a terminal only, from the first second on,
/// five times a second.
enum ProgressDisplay {
  private static let intervalMicroseconds: UInt32 = 200_000
  private static let patience = Duration.seconds(1)

  /// Runs `body`, asking `reading` now and then.
  static func showing<Result>(
    _ reading: @escaping @Sendable () -> ProgressReading?, while body: () throws -> Result
  ) throws -> Result {
    guard Terminal.messages.isTerminal else { return try body() }
    let ended = CancellationFlag()
    // Not joined: it may be asleep, and shows nothing once the flag is raised.
    _ = try WorkerThread(name: "progress") { redraw(reading, until: ended) }
    defer {
      ended.cancel()
      Console.shared.clearStatus()
    }
    return try body()
  }

  private static func redraw(
    _ reading: @Sendable () -> ProgressReading?, until ended: CancellationFlag
  ) {
    let start = ContinuousClock.now
    var line = ProgressLine()
    while !ended.isCancelled {
      usleep(intervalMicroseconds)
      let elapsed = start.duration(to: .now)
      guard elapsed >= patience, let reading = reading() else { continue }
      let text = line.text(
        for: reading, at: elapsed / .seconds(1), columns: Terminal.messages.columns - 1)
      Console.shared.showStatus(text, unless: ended)
    }
  }
}
