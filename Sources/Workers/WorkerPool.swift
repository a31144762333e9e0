/// A fixed number of threads that take work from one bounded queue.
///
/// Work must not call ``submit(_:)`` of its own pool: if every thread did so while the queue is
/// full, all of them would wait for ever.
package final class WorkerPool: Sendable {
  private let queue: BoundedQueue<@Sendable () -> Void>
  private let threads: [WorkerThread]

  /// - Parameters:
  ///   - threadCount: at least 1.
  ///   - name: the threads are called `NAME-0`, `NAME-1` and so on.
  ///   - queueLimit: the most pieces of work that may wait, without the running ones; at least 1.
  /// - Throws: ``WorkersError`` with code `noThread`, after the threads that were already started
  ///   have ended.
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

  /// Adds work to the queue; waits while the queue is full.
  ///
  /// - Returns: false if the pool has been shut down; the work will not be done.
  @discardableResult
  package func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
    (try? queue.push(work)) != nil
  }

  /// Adds work to the queue unless the queue is full or the pool is shut down; never waits. For
  /// callers that must not block, such as an event loop.
  ///
  /// - Returns: whether the work will be done.
  package func trySubmit(_ work: @escaping @Sendable () -> Void) -> Bool {
    queue.tryPush(work)
  }

  /// Refuses further work, finishes all waiting work, and returns when every thread has ended. Work
  /// of this pool must not call this.
  package func shutdown() {
    queue.finish()
    for thread in threads { thread.join() }
  }
}

extension [WorkerThread] {
  /// Starts `count` threads; passes each thread its number. If a thread cannot be started, calls
  /// `onFailure`, which must make the other threads end, waits for them, and throws.
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
