import Synchronization

/// Runs `body` for each number from 0 below `count`, in no particular order, on up to `width` threads, of
/// which the calling one is the first. For calls that wait for storage, which serves several at once.
///
/// Where the system refuses more threads, fewer do the work.
///
/// - Throws: the first failure. No further number is begun after it; all threads have ended by then.
package func forEachConcurrently<Failure: Error>(
  below count: Int, width: Int, name: String,
  _ body: @escaping @Sendable (Int) throws(Failure) -> Void
) throws(Failure) {
  let loop = ConcurrentLoop(count: count, body)
  var threads: [WorkerThread] = []
  for number in 1..<max(1, min(width, count)) {
    guard let thread = try? WorkerThread(name: "\(name)-\(number)", { loop.run() }) else { break }
    threads.append(thread)
  }
  loop.run()
  for thread in threads { thread.join() }
  try loop.check()
}

/// The numbers that are left, for all threads that take them.
private final class ConcurrentLoop<Failure: Error>: Sendable {
  private let count: Int
  private let body: @Sendable (Int) throws(Failure) -> Void
  private let next = Atomic(0)
  private let failure = Mutex<Failure?>(nil)

  init(count: Int, _ body: @escaping @Sendable (Int) throws(Failure) -> Void) {
    (self.count, self.body) = (count, body)
  }

  func run() {
    while true {
      let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard number < count else { return }
      do throws(Failure) {
        try body(number)
      } catch {
        failure.withLock { $0 = $0 ?? error }
        next.store(count, ordering: .relaxed)
      }
    }
  }

  func check() throws(Failure) {
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}
