import Testing
import Workers

@Suite struct OrderedPipelineTests {
  private struct Broken: Error, Equatable {
    let stage: String
  }

  @Test(arguments: [1, 2, 5], [1, 2, 3, 64])
  func deliversInTheOrderOfProduction(workers: Int, window: Int) throws {
    var results: [Int] = []
    try OrderedPipeline.run(
      workers: workers, window: window, name: "order",
      produce: { sink in for number in 0..<2_000 { try sink(number) } },
      transform: { number in
        // Items take different times, so that workers overtake each other.
        var value = number
        for _ in 0..<(number % 7) * 200 { value = value &* 31 &+ 7 }
        return (number, value)
      },
      consume: { results.append($0.0) })
    #expect(results == Array(0..<2_000))
  }

  @Test func endsWithNothingToDo() throws {
    try OrderedPipeline.run(
      workers: 3, window: 4, name: "empty",
      produce: { (_: (Int) throws -> Void) in }, transform: { $0 },
      consume: { _ in Issue.record("nothing was produced") })
  }

  @Test(arguments: [1, 3, 8])
  func neverHasMoreThanTheWindowInFlight(window: Int) throws {
    let counts = Monitor((inFlight: 0, greatest: 0))
    try OrderedPipeline.run(
      workers: 4, window: window, name: "window",
      produce: { sink in for number in 0..<500 { try sink(number) } },
      transform: { number in
        counts.withLock {
          $0.inFlight += 1
          $0.greatest = max($0.greatest, $0.inFlight)
        }
        return number
      },
      consume: { _ in counts.withLock { $0.inFlight -= 1 } })
    #expect(counts.withLock { $0.greatest } <= window)
  }

  @Test(arguments: ["produce", "makeWorker", "transform", "consume"])
  func theFirstErrorIsThrownAfterAllStagesEnded(stage: String) throws {
    let active = Monitor(0)
    #expect(throws: Broken(stage: stage)) {
      try OrderedPipeline.run(
        workers: 3, window: 4, name: "broken",
        makeWorker: { if stage == "makeWorker" { throw Broken(stage: stage) } },
        produce: { sink in
          active.withLock { $0 += 1 }
          defer { active.withLock { $0 -= 1 } }
          for number in 0..<1_000_000 {
            if stage == "produce", number == 100 { throw Broken(stage: stage) }
            try sink(number)
          }
        },
        transform: { _, number in
          if stage == "transform", number == 100 { throw Broken(stage: stage) }
          return number
        },
        consume: { number in
          if stage == "consume", number == 100 { throw Broken(stage: stage) }
        })
    }
    #expect(active.withLock { $0 } == 0)
  }

  @Test func anErrorTheProducerSwallowsIsStillThrown() throws {
    #expect(throws: Broken(stage: "transform")) {
      try OrderedPipeline.run(
        workers: 1, window: 1, name: "swallow",
        produce: { sink in for number in 0..<100 { try? sink(number) } },
        transform: { (_: Int) -> Int in throw Broken(stage: "transform") },
        consume: { _ in })
    }
  }

  @Test func cancellationEndsAnEndlessRun() throws {
    let flag = CancellationFlag()
    var consumed = 0
    let error = #expect(throws: WorkersError.self) {
      try OrderedPipeline.run(
        workers: 2, window: 8, name: "cancel", cancellation: flag,
        produce: { sink in while true { try sink(0) } },
        transform: { $0 },
        consume: { _ in
          consumed += 1
          if consumed == 50 { flag.cancel() }
        })
    }
    #expect(error?.code == .cancelled)
    #expect(consumed == 50)
  }

  @Test func aRunThatWasCancelledTakesNothing() throws {
    let flag = CancellationFlag()
    flag.cancel()
    let taken = Monitor(0)
    #expect(throws: WorkersError.self) {
      try OrderedPipeline.run(
        workers: 1, window: 8, name: "cancelled", cancellation: flag,
        produce: { sink in
          try sink(0)
          taken.withLock { $0 += 1 }
        },
        transform: { $0 },
        consume: { _ in })
    }
    #expect(taken.withLock { $0 } == 0)
  }

  @Test func everyWorkerMakesItsStateOnceAndKeepsIt() throws {
    struct Count: ~Copyable {
      var items = 0
      let total: Monitor<(states: Int, items: Int)>
      deinit {
        let items = items
        total.withLock { $0 = ($0.states + 1, $0.items + items) }
      }
    }
    let total = Monitor((states: 0, items: 0))
    try OrderedPipeline.run(
      workers: 3, window: 6, name: "state",
      makeWorker: { Count(total: total) },
      produce: { sink in for number in 0..<300 { try sink(number) } },
      transform: { state, _ in state.items += 1 },
      consume: { _ in })
    let (states, items) = total.withLock { $0 }
    #expect(states == 3)
    #expect(items == 300)
  }

  @Test func resultsAreReleasedOnceConsumed() throws {
    final class Token: Sendable {}
    let tokens = Monitor<[WeakToken<Token>]>([])
    var aliveAtTheEnd = 0
    try OrderedPipeline.run(
      workers: 2, window: 16, name: "release",
      produce: { sink in for number in 0..<100 { try sink(number) } },
      transform: { number in
        let token = Token()
        tokens.withLock { $0.append(WeakToken(token)) }
        return (number, token)
      },
      consume: { number, _ in
        guard number == 99 else { return }
        aliveAtTheEnd = tokens.withLock { $0.filter { $0.token != nil }.count }
      })
    // The last result, and at most one result for each worker that is just releasing it.
    #expect((1...3).contains(aliveAtTheEnd))
  }
}

private struct WeakToken<Token: AnyObject & Sendable>: Sendable {
  weak let token: Token?
  init(_ token: Token) { self.token = token }
}
