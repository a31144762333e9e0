import Synchronization
import Testing
import Workers

@Suite("Reuse of objects")
struct ObjectPoolTests {
  private final class Object {}

  @Test("Objects that were put back are taken again, the last one first")
  func order() {
    let pool = ObjectPool<Int>()
    #expect(pool.take() == nil)
    pool.putBack(1)
    pool.putBack(2)
    #expect(pool.take() == 2)
    #expect(pool.take() == 1)
    #expect(pool.take() == nil)
  }

  @Test("Objects that are put back beyond the limit are released")
  func limit() {
    let pool = ObjectPool<Object>(limit: 1)
    weak var kept: Object?
    weak var letGo: Object?
    do {
      let (first, second) = (Object(), Object())
      (kept, letGo) = (first, second)
      pool.putBack(first)
      pool.putBack(second)
    }
    #expect(kept != nil)
    #expect(letGo == nil)
  }

  @Test("A new object is made only if the pool is empty, and is put back even after an error")
  func withObject() {
    let pool = ObjectPool<Int>()
    #expect(pool.withObject(orNew: 1) { $0 } == 1)
    #expect(throws: CancellationError.self) {
      try pool.withObject(orNew: 2) { object in
        #expect(object == 1)
        #expect(pool.withObject(orNew: 3) { $0 } == 3)
        throw CancellationError()
      }
    }
    #expect(pool.take() == 1)
    #expect(pool.take() == 3)
  }
}
