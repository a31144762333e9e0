import Synchronization
import Testing
import Workers

@Suite struct CleanupsTests {
  private final class Journal: Sendable {
    let entries = Mutex<[Int]>([])

    func note(_ number: Int) { entries.withLock { $0.append(number) } }
  }

  private let cleanups = Cleanups()
  private let journal = Journal()

  @Test func theNewestRunsFirstAndFinishedWorkHasNone() {
    let journal = journal
    cleanups.cleaningUp(with: { journal.note(1) }) {
      cleanups.cleaningUp(with: { journal.note(2) }) {}
      cleanups.cleaningUp(with: { journal.note(3) }) { cleanups.perform() }
    }
    cleanups.perform()
    #expect(journal.entries.withLock { $0 } == [3, 1])
  }

  @Test func aCleanupMayNeedOneOfItsOwn() {
    let (cleanups, journal) = (cleanups, journal)
    cleanups.cleaningUp(with: { cleanups.cleaningUp(with: {}) { journal.note(1) } }) {
      cleanups.perform()
    }
    #expect(journal.entries.withLock { $0 } == [1])
  }
}
