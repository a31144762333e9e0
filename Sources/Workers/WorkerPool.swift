/// A fixed number of threads that take work from one bounded queue.
///
/// Work must not submit to its own pool and wait: if every thread did that while the queue is full,
/// no thread would be left to make room.
package final class WorkerPool: Sendable {
  private let queue: BoundedQueue<@Sendable () -> Void>
  private let threads: [WorkerThread]

  /// - Parameters:
  ///   - threadCount: at least 1.
  ///   - name: the threads are called `NAME-0`, `NAME-1` and so on.
  ///   - queueLimit: how many pieces of work may wait besides those that run, at least 1.
  /// - Throws: ``WorkersError`` with code `noThread`; threads already started have ended by then.
  package init(threadCount: Int, name: String, queueLimit: Int) throws(WorkersError) {
    precondition(threadCount >= 1, "a pool has at least one thread")
    let queue = BoundedQueue<@Sendable () -> Void>(limit: queueLimit)
    self.queue = queue
    self.threads = try .starting(
      count: threadCount, name: name, onFailure: { queue.finish() },
      work: { _ in while let work = try? queue.pop() { work() } })
  }

  deinit {
    // The threads hold the queue, not the pool: they finish the waiting work, then end.
    queue.finish()
  }

  /// Hands over work; waits while the queue is full.
  ///
  /// - Returns: false if the pool has been shut down; the work will not be done.
  @discardableResult
  package func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
    (try? queue.push(work)) != nil
  }

  /// Hands over work unless the queue is full or the pool is shut down; never waits. For callers
  /// that must not block, such as an event loop.
  ///
  /// - Returns: whether the work will be done.
  package func trySubmit(_ work: @escaping @Sendable () -> Void) -> Bool {
    queue.tryPush(work)
  }

  /// Refuses further work, finishes all waiting work, and returns when every thread has ended. Work
  /// of this pool must not call it.
  package func shutdown() {
    queue.finish()
    for thread in threads { thread.join() }
  }
}

extension [WorkerThread] {
  /// Starts `count` threads, each with its number; all or none. If one cannot be started, calls
  /// `onFailure`, which must make the others end, and waits for them.
  static func starting(
    count: Int, name: String, onFailure: () -> Void, work: @escaping @Sendable (Int) -> Void
  ) throws(WorkersError) -> [WorkerThread] {
    var threads: [WorkerThread] = []
    for number in 0..<count {
      do {
        threads.append(try WorkerThread(name: "\(name)-\(number)") { work(number) })
      } catch {
        onFailure()
        for thread in threads { thread.join() }
        throw error
      }
    }
    return threads
  }
}
