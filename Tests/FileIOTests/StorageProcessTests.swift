import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing

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

  @Test func errorsComeBack() throws {
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
    "Storage that answers nothing is given up once patience is over, and the process ends later")
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

  @Test("A process that was ended is told from storage that answers nothing")
  func anEndedProcess() throws {
    let file = try Descriptor(opening: path, flags: O_RDWR)
    let storage = try StorageProcess(of: file)
    let process = try storageProcess()
    kill(process, SIGKILL)
    #expect(throws: Errno.noChildProcess) { try storage.perform(.synchronize) }
    #expect(throws: Errno.noChildProcess) { try storage.perform(.synchronize) }
  }

  @Test("The process has nothing open but the file and its socket")
  func openDescriptors() throws {
    let file = try Descriptor(opening: path, flags: O_RDWR)
    let storage = try StorageProcess(of: file)
    try storage.perform(.synchronize)
    let process = try storageProcess()
    let open = try Command.run("ls", "/proc/\(process)/fd").split { $0.isWhitespace }
    #expect(open.count == 2)
    storage.end()
  }

  /// The process that has the file open. A process that another test starts at the same time has it open,
  /// too, until it becomes another program.
  private func storageProcess() throws -> pid_t {
    while true {
      let found = try processes(having: path).filter { $0 != getpid() }
      if Set(found).count == 1 { return found[0] }
      try #require(!found.isEmpty)
      usleep(20_000)
    }
  }

  /// (proc_pid_fd(5))
  private func processes(having path: FilePath) throws -> [pid_t] {
    // Processes come and go meanwhile.
    let search = "find /proc/[0-9]*/fd -lname '\(path)' 2>/dev/null || true"
    let found = try Command.run("sh", "-c", search)
    return found.split(separator: "\n").compactMap { pid_t($0.split(separator: "/")[1]) }
  }
}
