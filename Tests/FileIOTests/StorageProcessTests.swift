import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing
import Workers

@Suite struct StorageProcessTests {
  let directory: TemporaryDirectory
  let path: FilePath

  init() throws {
    directory = try TemporaryDirectory()
    path = directory.appending("file")
    try directory.file("file", [UInt8](repeating: 1, count: 3 * 4096))
  }

  @Test func callsAreMadeOnTheFile() throws {
    let file = try Descriptor(opening: path, flags: O_RDWR)
    let storage = try StorageProcess(of: file)
    try storage.perform(.punchHole, at: 4096, lengthBytes: 4096)
    try storage.perform(.startWriteback, lengthBytes: 4096)
    try storage.perform(.completeWriteback, lengthBytes: 4096)
    try storage.perform(.synchronize)
    let contents: [UInt8] = try POSIXFileSystem().readAll(path, limitBytes: 1 << 20)
    #expect(Array(contents[4095..<4097]) == [1, 0])
    #expect(Array(contents[8191..<8193]) == [0, 1])
  }

  @Test func errorsAreReturned() throws {
    let file = try Descriptor(opening: path, flags: O_RDWR)
    let storage = try StorageProcess(of: file)
    #expect(throws: Errno.inappropriateIOCTLForDevice) {
      try storage.perform(.discard, lengthBytes: 1)
    }
    #expect(throws: Errno.overflow) { try storage.perform(.punchHole, at: .max, lengthBytes: 1) }
    try storage.perform(.synchronize)
  }

  @Test func nothingIsOpenAfterTheEnd() throws {
    let file = try Descriptor(opening: path, flags: O_RDWR)
    let storage = try StorageProcess(of: file)
    let other = try Descriptor(opening: path, flags: O_RDWR)
    _ = consume file
    storage.end()
    storage.end()
    #expect(other.isOpenElsewhere() == false)
    #expect(throws: Errno.noChildProcess) { try storage.perform(.synchronize) }
  }

  @Test(
    "A call to storage that does not answer fails after the time limit, and the process ends later")
  func aStalledStorage() throws {
    let file = try Descriptor(opening: path, flags: O_RDWR)
    let storage = try StorageProcess(of: file, patienceSeconds: 1)
    let process = try storageProcess()
    kill(process, SIGSTOP)
    #expect(throws: Errno.timedOut) { try storage.perform(.synchronize) }
    #expect(throws: Errno.timedOut) { try storage.perform(.synchronize) }
    kill(process, SIGCONT)
    storage.end()
    #expect(kill(process, 0) == -1)
  }

  @Test("A process that has ended causes another error than storage that does not answer")
  func anEndedProcess() throws {
    let file = try Descriptor(opening: path, flags: O_RDWR)
    let storage = try StorageProcess(of: file)
    let process = try storageProcess()
    kill(process, SIGKILL)
    #expect(throws: Errno.noChildProcess) { try storage.perform(.synchronize) }
    #expect(throws: Errno.noChildProcess) { try storage.perform(.synchronize) }
  }

  /// The system then reports that the connection was reset.
  @Test("A process that ended before it read the request causes the same error")
  func aProcessEndedWithARequest() throws {
    let file = try Descriptor(opening: path, flags: O_RDWR)
    let storage = try StorageProcess(of: file)
    let process = try storageProcess()
    kill(process, SIGSTOP)
    let killer = try WorkerThread(name: "killer") {
      usleep(200_000)
      kill(process, SIGKILL)
    }
    #expect(throws: Errno.noChildProcess) { try storage.perform(.synchronize) }
    killer.join()
  }

  @Test("The process has only the file and its socket open")
  func openDescriptors() throws {
    let file = try Descriptor(opening: path, flags: O_RDWR)
    let storage = try StorageProcess(of: file)
    try storage.perform(.synchronize)
    let process = try storageProcess()
    let open = try Command.run("ls", "/proc/\(process)/fd").split { $0.isWhitespace }
    #expect(open.count == 2)
    storage.end()
  }

  /// The storage process that has the file open. A process that another test starts at the same
  /// time also has the file open until it runs its program. So the name of the process is checked,
  /// too.
  private func storageProcess() throws -> pid_t {
    for _ in 0..<500 {
      for process in try processes(having: path) {
        let name = try? Descriptor(opening: FilePath("/proc/\(process)/comm"), flags: O_RDONLY)
          .readToEnd(limitBytes: 64)
        if name == Array("varve-storage\n".utf8) { return process }
      }
      usleep(20_000)
    }
    return try #require(nil, "no storage process has \(path) open")
  }

  /// (proc_pid_fd(5))
  private func processes(having path: FilePath) throws -> [pid_t] {
    // Other processes start and end meanwhile.
    let search = "find /proc/[0-9]*/fd -lname '\(path)' 2>/dev/null || true"
    let found = try Command.run("sh", "-c", search)
    return found.split(separator: "\n").compactMap { pid_t($0.split(separator: "/")[1]) }
  }
}
