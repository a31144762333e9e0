import Glibc
import Synchronization

/// Holds threads back until it is opened.
package final class Gate: Sendable {
  private let isOpen = Atomic(false)

  package init() {}

  package func open() { isOpen.store(true, ordering: .releasing) }

  package func wait() {
    while !isOpen.load(ordering: .acquiring) { usleep(1000) }
  }
}

/// Waits until something holds, for at most so long.
/// - Returns: whether it came to hold.
package func eventually(seconds: Double = 10, _ holds: () -> Bool) -> Bool {
  let deadline = ContinuousClock.now + .seconds(seconds)
  while !holds() {
    guard ContinuousClock.now < deadline else { return false }
    usleep(2000)
  }
  return true
}
