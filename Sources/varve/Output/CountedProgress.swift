import Synchronization

/// How many of how many: for work that is counted and not measured.
final class CountedProgress: Sendable {
  private let counts = Mutex((done: 0, total: 0))

  func set(_ done: Int, of total: Int) { counts.withLock { $0 = (done, total) } }

  /// nil before anything was counted.
  func reading(_ activity: String) -> ProgressReading? {
    let (done, total) = counts.withLock { $0 }
    guard total > 0 else { return nil }
    return ProgressReading(
      activity: activity, done: UInt64(done), total: UInt64(total), unit: .count)
  }
}
