import Synchronization
import Testing
import Workers

@Suite struct ConcurrentLoopTests {
  private struct Failure: Error, Equatable { let number: Int }

  @Test(arguments: [0, 1, 2, 1_000], [1, 8])
  func doesEachNumberOnce(count: Int, width: Int) {
    let seen = Mutex<[Int]>([])
    forEachConcurrently(below: count, width: width, name: "test") { number in
      seen.withLock { $0.append(number) }
    }
    #expect(seen.withLock { $0.sorted() } == Array(0..<count))
  }

  @Test func runsAsManyAtOnceAsItMay() {
    // Each call waits for all the others. With fewer threads, they would wait for ever.
    let inside = Monitor(0)
    forEachConcurrently(below: 4, width: 4, name: "test") { _ in
      inside.withLock { $0 += 1 }
      inside.broadcast()
      inside.wait { $0 == 4 }
    }
    #expect(inside.withLock { $0 } == 4)
  }

  @Test(arguments: [1, 4]) func nothingIsBegunAfterAFailure(width: Int) {
    let begun = Atomic(0)
    #expect(throws: Failure.self) {
      try forEachConcurrently(below: 10_000, width: width, name: "test") {
        number throws(Failure) in
        begun.wrappingAdd(1, ordering: .relaxed)
        throw Failure(number: number)
      }
    }
    #expect(begun.load(ordering: .relaxed) <= width)
  }
}
