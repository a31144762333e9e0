import Glibc
import Testing
import Workers

@Suite struct WorkerThreadTests {
  @Test(arguments: [
    ("varve-in", "varve-in"),
    ("a name of more than fifteen bytes", "a name of more "),
    ("ääääääääää", "äääääää"),
  ])
  func carriesItsName(_ name: String, shown: String) throws {
    let seen = Monitor("")
    try WorkerThread(name: name) { seen.withLock { $0 = currentThreadName() } }.join()
    #expect(seen.withLock { $0 } == shown)
  }

  @Test func joiningTwiceIsHarmless() throws {
    let runs = Monitor(0)
    let thread = try WorkerThread(name: "once") { runs.withLock { $0 += 1 } }
    thread.join()
    thread.join()
    #expect(runs.withLock { $0 } == 1)
  }

  @Test func runsToItsEndWithoutBeingJoined() throws {
    let hasEnded = Monitor(false)
    _ = try WorkerThread(name: "loose") {
      hasEnded.withLock { $0 = true }
      hasEnded.broadcast()
    }
    hasEnded.wait { $0 }
  }
}

private func currentThreadName() -> String {
  let descriptor = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC)
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 64)
  let count = read(descriptor, &bytes, bytes.count)
  return String(decoding: bytes.prefix(max(0, count)).dropLast(), as: UTF8.self)
}
