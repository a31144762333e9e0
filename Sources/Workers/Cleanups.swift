import Synchronization

/// What must be undone before the process ends at once: an unfinished file, a program that still runs.
///
/// There is one list for the process, as atexit(3) has it: the front end that ends the process does not
/// know which work is under way.
package final class Cleanups: Sendable {
  package static let ofProcess = Cleanups()

  private let state = Mutex(State())

  private struct State {
    var cleanups: [Int: @Sendable () -> Void] = [:]
    var nextKey = 0
  }

  package init() {}

  /// Runs `body`; when the process is ended at once meanwhile, `cleanup` runs before.
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

  /// Runs the cleanups of all work that is under way, for a process that ends.
  package func perform() {
    // The newest first: what they undo rests on what came before.
    let cleanups = state.withLock { $0.cleanups.sorted { $0.key > $1.key } }
    for (_, cleanup) in cleanups { cleanup() }
  }
}
