import Synchronization

/// Runs `body` for each number from 0 to `count` - 1, in no particular order.
///
/// Up to `width` threads share the work; the calling thread is one of them. Use this for calls that wait for
/// storage, which can serve several at once. If the system refuses to start a thread, fewer threads work.
///
/// - Throws: the first failure. After a failure no thread begins another number. The error is
///   thrown when all threads have ended.
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

/// The state that the threads of a loop share: the next number and the first failure.
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
