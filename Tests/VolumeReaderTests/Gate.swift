import Workers

/// Lets threads pass, unless it is closed.
final class Gate: Sendable {
  private let state = Monitor((isOpen: true, waiting: 0))

  func close() { state.withLock { $0.isOpen = false } }

  func open() {
    state.withLock { $0.isOpen = true }
    state.broadcast()
  }

  func pass() {
    state.withLock { $0.waiting += 1 }
    state.broadcast()
    state.withLock(when: { $0.isOpen }) { $0.waiting -= 1 }
  }

  /// Waits until `count` threads wait at the gate.
  func waitForArrival(of count: Int) {
    state.wait { $0.waiting >= count }
  }
}
