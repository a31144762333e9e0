import Glibc
import ObjectStorage
import Testing

@Suite("Session protocol: client")
struct SessionClientTests {
  private let times = ProtocolTimes(term: .seconds(100), delayBound: .seconds(150))

  @Test("A request that is as old as the bound on delay is sent, an older one is not")
  func age() throws {
    let store = SimulatedObjectStore()
    let client = SessionClient(on: store, times: times) { .seconds(1000) }
    for (basis, isSent) in [(850, true), (849, false), (1000, true)] {
      let key = ObjectKey(.revisions, name("r\(basis)"))
      let request = StoreRequest(.put(key, [1], if: .absent), basis: .seconds(basis))
      #expect(try client.answer(to: request).isStored == isSent)
      #expect((store[key] != nil) == isSent)
    }
  }

  @Test("Without another clock, a client's clock is that which counts suspension")
  func systemClock() throws {
    let client = SessionClient(on: SimulatedObjectStore(), times: times)
    let (start, before) = (client.now, sinceBoot())
    usleep(20_000)
    let (end, after) = (client.now, sinceBoot())
    #expect(end - start >= .milliseconds(20))
    #expect(end - start <= after - before + .milliseconds(500))
    _ = try client.run(BeginSession(.writing, nonce: Nonce(high: 1, low: 1)))
    #expect(try client.run(ListRevisions()) == [])
  }

  private func sinceBoot() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
}
