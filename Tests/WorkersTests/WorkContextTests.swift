import Synchronization
import TestSupport
import Testing
import Workers

extension WorkPhase {
  fileprivate static let sawing = WorkPhase("sawing", in: .items)
}

@Suite("The context of operations, and their progress")
struct WorkContextTests {
  private final class Listener: WorkProgress {
    let meters = Mutex<[WorkMeter]>([])

    func begin(_ meter: WorkMeter) { meters.withLock { $0.append(meter) } }
  }

  @Test("A watcher gets the meter on which the work counts")
  func watching() throws {
    let listener = Listener()
    var context = WorkContext.testing()
    context.progress = listener
    let meter = context.begin(.sawing, total: 7)
    meter.advance(by: 2)
    meter.advance(by: 3)
    meter.addNew(10)
    let seen = try #require(listener.meters.withLock { $0.first })
    #expect(seen.phase == .sawing)
    #expect((seen.done, seen.total, seen.newBytes) == (5, 7, 10))
    meter.advance(to: 1, of: 9)
    #expect((seen.done, seen.total) == (1, 9))
  }

  @Test("The length of a phase may be unknown")
  func unknownLength() {
    let meter = WorkContext.testing().begin(.sawing)
    #expect(meter.total == nil)
    meter.advance(to: 4)
    #expect(meter.done == 4)
  }
}
