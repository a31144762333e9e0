import Workers

/// Runs `work` on `count` threads at once; throws the first error.
package func concurrently(
  _ count: Int, _ work: @escaping @Sendable (Int) throws -> Void
) throws {
  let failure = Monitor<(any Error)?>(nil)
  let threads = try (0..<count).map { number in
    try WorkerThread(name: "test-\(number)") {
      do { try work(number) } catch { failure.withLock { $0 = $0 ?? error } }
    }
  }
  for thread in threads { thread.join() }
  if let error = failure.withLock({ $0 }) { throw error }
}
