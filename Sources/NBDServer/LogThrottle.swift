import Synchronization

/// Limits the messages per minute, and counts the rest, so that no client can fill a log.
final class LogThrottle: Sendable {
  private struct State {
    var windowStart: ContinuousClock.Instant
    var count = 0
    var suppressed = 0
  }

  private let limitPerMinute: Int
  private let state: Mutex<State>

  init(limitPerMinute: Int) {
    self.limitPerMinute = limitPerMinute
    state = Mutex(State(windowStart: .now))
  }

  /// Decides whether to log a message.
  ///
  /// - Returns: nil if the message must not be logged, else the number of messages suppressed since
  ///   the last one.
  func admit(at now: ContinuousClock.Instant = .now) -> Int? {
    state.withLock { state in
      if now - state.windowStart >= .seconds(60) {
        state.windowStart = now
        state.count = 0
      }
      guard state.count < limitPerMinute else {
        state.suppressed += 1
        return nil
      }
      state.count += 1
      defer { state.suppressed = 0 }
      return state.suppressed
    }
  }
}
