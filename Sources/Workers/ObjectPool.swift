package import Synchronization

/// A pool of objects that take long to make and are reused: buffers, decoders, readers.
///
/// The pool gives each object to one user at a time, and keeps the objects that users put back, up
/// to its limit. So it holds at most as many as were ever in use at once. Nobody else may hold a
/// reference to an object in the pool.
package final class ObjectPool<Object>: Sendable {
  /// An object in the pool. It moves from thread to thread, but threads never share it.
  @usableFromInline
  struct Idle: @unchecked Sendable {
    @usableFromInline let object: Object

    @inlinable
    init(_ object: Object) { self.object = object }
  }

  @usableFromInline let idle = Mutex<[Idle]>([])
  @usableFromInline let limit: Int

  /// - Parameter limit: the most objects that the pool keeps. Further objects that are put back are
  ///   released.
  @inlinable
  package init(limit: Int = .max) { self.limit = limit }

  /// Takes the object that was put back last; nil if the pool is empty.
  @inlinable
  package func take() -> Object? { idle.withLock { $0.popLast() }?.object }

  /// Gives `object` back to the pool.
  @inlinable
  package func putBack(_ object: Object) {
    let waiting = Idle(object)
    idle.withLock { if $0.count < limit { $0.append(waiting) } }
  }

  /// Runs `body` with an object that nobody else uses. If the pool is empty, `make` makes it.
  @inlinable
  package func withObject<Result>(
    orNew make: @autoclosure () throws -> Object, _ body: (Object) throws -> Result
  ) rethrows -> Result {
    let object = try take() ?? make()
    defer { putBack(object) }
    return try body(object)
  }
}
