import Synchronization

/// Cleanups to run before the process ends early, such as removing an unfinished file or ending a
/// program that still runs.
///
/// The process has one list, as with atexit(3): the front end that ends the process does not know
/// which work is running.
package final class Cleanups: Sendable {
  package static let ofProcess = Cleanups()

  private let state = Mutex(State())

  private struct State {
    var cleanups: [Int: @Sendable () -> Void] = [:]
    var nextKey = 0
  }

  package init() {}

  /// Runs `body`. If the process ends early while `body` runs, `cleanup` runs first.
  package func cleaningUp<Result, Failure: Error>(
    with cleanup: @escaping @Sendable () -> Void, while body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let key = state.withLock { state in
      defer { state.nextKey += 1 }
      state.cleanups[state.nextKey] = cleanup
      return state.nextKey
    }
    defer { state.withLock { $0.cleanups[key] = nil } }
    return try body()
  }

  /// Runs the cleanups of all running work. Call this before the process ends early.
  package func perform() {
    // Run the newest first: newer work may depend on older work.
    let cleanups = state.withLock { $0.cleanups.sorted { $0.key > $1.key } }
    for (_, cleanup) in cleanups { cleanup() }
  }
}
