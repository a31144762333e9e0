import Workers

/// Lets one thread at a time change a stretch of a volume; others wait only where stretches overlap.
///
/// There are as many stretches as threads that write, so looking through all of them costs less than
/// a tree would.
final class RangeLocks: Sendable {
  private let held = Monitor<[Range<UInt64>]>([])

  /// Runs `body` when nobody else holds a part of `range`, and alone with it.
  func withLock<Result, Failure: Error>(
    _ range: Range<UInt64>, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    held.withLock(when: { held in !held.contains { $0.overlaps(range) } }) { $0.append(range) }
    defer {
      held.withLock { held in
        if let index = held.firstIndex(of: range) { held.remove(at: index) }
      }
      held.broadcast()
    }
    return try body()
  }
}
