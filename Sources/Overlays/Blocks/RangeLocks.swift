import Workers

/// Lets only one thread at a time change a range of a volume. Others wait only if their ranges
/// overlap.
///
/// There are as many ranges as writing threads, so searching all of them is cheaper than a tree.
final class RangeLocks: Sendable {
  private let held = Monitor<[Range<UInt64>]>([])

  /// Runs `body` as soon as no other thread has locked a part of `range`, and locks the range for
  /// that time.
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
