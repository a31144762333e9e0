import FileIO
import SystemPackage
import TestSupport
import Testing
import Workers

@Suite struct ClosingRaceTests {
  /// Threads read one file while it is closed and another file gets its descriptor number. A thread
  /// that reads bytes of the other file has used a number that no longer belonged to its file.
  @Test func readersNeverSeeTheFileThatTookTheNumber() throws {
    let directory = try TemporaryDirectory()
    let fileSystem = POSIXFileSystem()
    let wanted = try directory.file("wanted", [1])
    let other = try directory.file("other", [2])
    for _ in 0..<300 {
      let file = try fileSystem.openFile(wanted, for: .reading)
      let hasBegun = Monitor(0)
      let seen = Monitor<Set<UInt8>>([])
      let readers = try (0..<3).map { number in
        try WorkerThread(name: "reader-\(number)") {
          var byte: UInt8 = 0
          while true {
            let count = withUnsafeMutableBytes(of: &byte) { try? file.read(into: $0, at: 0) }
            hasBegun.withLock { $0 += 1 }
            hasBegun.broadcast()
            guard count != nil else { return }
            seen.withLock { _ = $0.insert(byte) }
          }
        }
      }
      hasBegun.wait { $0 >= 3 }
      file.close()
      let others = try (0..<4).map { _ in try fileSystem.openFile(other, for: .reading) }
      for reader in readers { reader.join() }
      withExtendedLifetime(others) {}
      #expect(seen.withLock { $0 }.isSubset(of: [1]))
    }
  }
}
