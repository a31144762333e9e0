import Testing
import Workers

@Suite struct BoundedQueueTests {
  private struct Reason: Error, Equatable {}

  @Test func keepsTheOrder() throws {
    let queue = BoundedQueue<Int>(limit: 4)
    for number in 1...4 { try queue.push(number) }
    queue.finish()
    var taken: [Int] = []
    while let number = try queue.pop() { taken.append(number) }
    #expect(taken == [1, 2, 3, 4])
  }

  @Test func neverHoldsMoreThanItsLimit() throws {
    let queue = BoundedQueue<Int>(limit: 3)
    let producer = try WorkerThread(name: "producer") {
      for number in 0..<1_000 { try? queue.push(number) }
      queue.finish()
    }
    defer { producer.join() }
    var expected = 0
    while let number = try queue.pop() {
      #expect(number == expected)
      #expect(queue.count <= 3)
      expected += 1
    }
    #expect(expected == 1_000)
  }

  @Test func refusesWithoutWaitingWhenFull() throws {
    let queue = BoundedQueue<Int>(limit: 1)
    #expect(queue.tryPush(1))
    #expect(!queue.tryPush(2))
    #expect(try queue.pop() == 1)
    #expect(queue.tryPush(3))
    queue.finish()
    #expect(!queue.tryPush(4))
  }

  @Test func refusesAfterFinishing() throws {
    let queue = BoundedQueue<Int>(limit: 1)
    queue.finish()
    let error = #expect(throws: WorkersError.self) { try queue.push(1) }
    #expect(error?.code == .closed)
    #expect(try queue.pop() == nil)
  }

  @Test func cancellingDropsWaitingElementsAndEndsBothSides() throws {
    let queue = BoundedQueue<Int>(limit: 2)
    try queue.push(1)
    queue.cancel(with: Reason())
    #expect(throws: Reason()) { _ = try queue.pop() }
    #expect(throws: Reason()) { try queue.push(2) }
    #expect(queue.count == 0)
  }

  @Test(arguments: [false, true])
  func cancellingWakesWhoeverWaits(_ queueIsFull: Bool) throws {
    let queue = BoundedQueue<Int>(limit: 1)
    if queueIsFull { try queue.push(0) }
    let outcome = Monitor<Bool?>(nil)
    let thread = try WorkerThread(name: "waits") {
      do {
        if queueIsFull { try queue.push(1) } else { _ = try queue.pop() }
        outcome.withLock { $0 = false }
      } catch {
        outcome.withLock { $0 = error is Reason }
      }
    }
    queue.cancel(with: Reason())
    thread.join()
    #expect(outcome.withLock { $0 } == true)
  }
}
