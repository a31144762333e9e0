import Synchronization

/// Lets so many messages through a minute, and counts the rest, so that no client can fill a log.
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

  /// - Returns: nil when the message is not to be logged, else how many were not since the last.
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
