import Synchronization

/// A request to stop. It is made once, and every thread can check for it.
///
/// ``cancel()`` is one atomic store, so a signal handler may call it.
package final class CancellationFlag: Sendable {
  private let flag = Atomic(false)

  package init() {}

  package var isCancelled: Bool { flag.load(ordering: .acquiring) }

  package func cancel() { flag.store(true, ordering: .releasing) }

  /// Throws ``WorkersError/cancelled`` once ``cancel()`` has been called.
  package func check() throws(WorkersError) {
    if isCancelled { throw .cancelled }
  }
}
