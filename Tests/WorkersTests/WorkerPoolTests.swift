import Testing
import Workers

@Suite struct WorkerPoolTests {
  @Test func doesAllWorkBeforeShutdownReturns() throws {
    let pool = try WorkerPool(threadCount: 3, name: "pool", queueLimit: 2)
    let sum = Monitor(0)
    for number in 1...1_000 { pool.submit { sum.withLock { $0 += number } } }
    pool.shutdown()
    #expect(sum.withLock { $0 } == 500_500)
  }

  @Test func refusesWorkAfterShutdown() throws {
    let pool = try WorkerPool(threadCount: 1, name: "pool", queueLimit: 1)
    pool.shutdown()
    #expect(!pool.submit { Issue.record("work ran after the pool was shut down") })
    #expect(!pool.trySubmit { Issue.record("work ran after the pool was shut down") })
  }

  @Test func refusesWithoutWaitingWhenTheQueueIsFull() throws {
    let pool = try WorkerPool(threadCount: 1, name: "pool", queueLimit: 1)
    let gate = Monitor((isBusy: false, isOpen: false))
    pool.submit {
      gate.withLock { $0.isBusy = true }
      gate.broadcast()
      gate.wait { $0.isOpen }
    }
    gate.wait { $0.isBusy }
    #expect(pool.trySubmit {})
    #expect(!pool.trySubmit {})
    gate.withLock { $0.isOpen = true }
    gate.broadcast()
    pool.shutdown()
  }

  @Test func runsAsManyAtOnceAsItHasThreads() throws {
    let pool = try WorkerPool(threadCount: 4, name: "pool", queueLimit: 4)
    let running = Monitor(0)
    for _ in 0..<4 {
      pool.submit {
        running.withLock { $0 += 1 }
        running.broadcast()
        // Ends only when all four run at the same time.
        running.wait { $0 == 4 }
      }
    }
    pool.shutdown()
    #expect(running.withLock { $0 } == 4)
  }

  @Test func waitingWorkIsDoneWithoutAShutdown() throws {
    let done = Monitor(0)
    do {
      let pool = try WorkerPool(threadCount: 1, name: "pool", queueLimit: 10)
      for _ in 0..<10 {
        pool.submit {
          done.withLock { $0 += 1 }
          done.broadcast()
        }
      }
    }
    done.wait { $0 == 10 }
  }
}
