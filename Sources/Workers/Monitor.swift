import Glibc

/// A value behind a mutex, with a condition to wait for: like `Mutex` of `Synchronization`, but
/// threads can also wait for the value to change.
///
/// If a thread changes the value so that waiting threads may continue, it must call ``broadcast()``
/// afterwards. A broadcast without a waiting thread costs almost nothing.
package final class Monitor<Value: ~Copyable>: @unchecked Sendable {
  // On the heap: the address of a mutex or a condition must never change.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var value: Value

  package init(_ value: consuming sending Value) {
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    self.value = value
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Runs `body` with the value, while no other thread can use the value. `body` must not use the
  /// same monitor again.
  package func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }

  /// Waits until `isReady` is true for the value, then runs `body` before another thread can change
  /// the value. `isReady` is called at once and after each ``broadcast()``.
  package func withLock<Result: ~Copyable, Failure: Error>(
    when isReady: (borrowing Value) -> Bool,
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !isReady(value) { pthread_cond_wait(condition, mutex) }
    return try body(&value)
  }

  /// Waits until `isReady` is true for the value. When this returns, another thread may already
  /// have changed the value again.
  package func wait(until isReady: (borrowing Value) -> Bool) {
    withLock(when: isReady) { _ in }
  }

  /// Makes every waiting thread check the value again.
  package func broadcast() {
    pthread_cond_broadcast(condition)
  }
}
