package import Synchronization

/// Objects that take long to make and are used again and again: buffers, decoders, readers.
///
/// The pool hands each object to one user at a time, and keeps what comes back: as many as were ever in use
/// at once, or its limit if that is less. Nobody else may hold an object that is in the pool.
package final class ObjectPool<Object>: Sendable {
  /// Goes from thread to thread, and is never shared.
  @usableFromInline
  struct Idle: @unchecked Sendable {
    @usableFromInline let object: Object

    @inlinable
    init(_ object: Object) { self.object = object }
  }

  @usableFromInline let idle = Mutex<[Idle]>([])
  @usableFromInline let limit: Int

  /// - Parameter limit: most objects that wait for use; what comes back beyond that is let go.
  @inlinable
  package init(limit: Int = .max) { self.limit = limit }

  /// The object that was put back last; nil where none waits.
  @inlinable
  package func take() -> Object? { idle.withLock { $0.popLast() }?.object }

  /// Lets `object` be used again.
  @inlinable
  package func putBack(_ object: Object) {
    let waiting = Idle(object)
    idle.withLock { if $0.count < limit { $0.append(waiting) } }
  }

  /// Runs `body` with an object of its own, made by `make` where none waits.
  @inlinable
  package func withObject<Result>(
    orNew make: @autoclosure () throws -> Object, _ body: (Object) throws -> Result
  ) rethrows -> Result {
    let object = try take() ?? make()
    defer { putBack(object) }
    return try body(object)
  }
}
