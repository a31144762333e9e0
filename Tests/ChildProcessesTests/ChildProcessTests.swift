import FileIO
import Glibc
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import ChildProcesses

@Suite struct ChildProcessTests {
  private func ending(of words: String...) throws -> ChildProcess.Ending {
    try ChildProcess(ProcessLaunch(words)).wait()
  }

  @Test func endings() throws {
    #expect(try ending(of: "true") == .exited(0))
    #expect(try ending(of: "sh", "-c", "exit 7").status == 7)
    #expect(try ending(of: "sh", "-c", "kill -TERM $$").status == 128 + 15)
  }

  @Test func aProgramThatIsMissingIsAnError() {
    #expect(throws: Errno.noSuchFileOrDirectory) { try ending(of: "no-such-program-here") }
    #expect(throws: Errno.permissionDenied) { try ending(of: "/etc/passwd") }
  }

  @Test func signalsReachIt() throws {
    let process = try ChildProcess(ProcessLaunch(["sleep", "60"]))
    #expect(try process.endingIfEnded() == nil)
    process.send(SIGINT)
    #expect(try process.wait() == .signalled(SIGINT))
    // Nobody gets this signal, not even a new process with the same number.
    process.send(SIGINT)
    #expect(try process.wait() == .signalled(SIGINT))
  }

  @Test func signalsThatThisProcessBlocksAreNotBlockedInIt() throws {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    defer { pthread_sigmask(SIG_UNBLOCK, &signals, nil) }
    let process = try ChildProcess(ProcessLaunch(["sleep", "60"]))
    process.send(SIGTERM)
    #expect(try process.wait() == .signalled(SIGTERM))
  }

  @Test func variablesAreAddedChangedAndRemoved() throws {
    let directory = try TemporaryDirectory()
    let path = directory.appending("out")
    var launch = ProcessLaunch(["/bin/sh", "-c", "echo \"$added,$HOME,${PATH-none}\" >\"$out\""])
    launch.environment = ["added": "a b", "HOME": "elsewhere", "PATH": nil, "out": path.string]
    #expect(try ChildProcess(launch).wait() == .exited(0))
    let text = String(decoding: try POSIXFileSystem().readAll(path, limitBytes: 100), as: UTF8.self)
    // A shell without PATH sets its own PATH.
    #expect(text.hasPrefix("a b,elsewhere,"))
    #expect(!text.contains(String(cString: getenv("PATH"))))
  }

  @Test func noProgramGetsWhatIsWithheld() throws {
    ProcessLaunch.withhold(["VARVE_TEST_SECRET"])
    setenv("VARVE_TEST_SECRET", "secret", 1)
    defer { unsetenv("VARVE_TEST_SECRET") }
    for isDetached in [false, true] {
      var launch = ProcessLaunch(["/bin/sh", "-c", "! env | grep -q VARVE_TEST_SECRET"])
      launch.isDetached = isDetached
      #expect(try ChildProcess(launch).wait() == .exited(0))
    }
  }

  @Test func aDetachedProcessLeadsItsSessionAndGetsItsDescriptor() throws {
    let pipe = try Pipe()
    var launch = ProcessLaunch([
      "/bin/sh", "-c", "cut -d' ' -f6 /proc/$$/stat >&3; echo $$ >&3; pwd >&3",
    ])
    launch.extraDescriptor = pipe.writing.rawValue
    launch.isDetached = true
    #expect(try ChildProcess(launch).wait() == .exited(0))
    let lines = String(decoding: try pipe.reading.nextBytes(), as: UTF8.self).split(separator: "\n")
    #expect(lines[0] == lines[1])
    #expect(lines[2] == "/")
  }

  @Test func toolsSayWhatWentWrong() throws {
    try Tool("true").run()
    let error = try #require(throws: ChildProcessError.self) {
      try Tool("sh", "-c", "echo one; echo two >&2; exit 3").run()
    }
    #expect(error.description == "sh: one; two")
    #expect(Tool.isInstalled("sh") && !Tool.isInstalled("no-such-program"))
    let named = try #require(throws: ChildProcessError.self) {
      try Tool("cat", "/no/such/file").run()
    }
    #expect(named.description.hasPrefix("cat: /no/such/file: "))
    let silent = try #require(throws: ChildProcessError.self) { try Tool("false").run() }
    #expect(silent.description.contains("exit status 1"))
    let missing = try #require(throws: ChildProcessError.self) { try Tool("no-such-program").run() }
    #expect(missing.description.contains("no-such-program"))
    // The output is larger than a pipe's buffer.
    #expect(throws: ChildProcessError.self) {
      try Tool("sh", "-c", "yes | head -n 100000; false").run()
    }
  }

  @Test func processesAreToldApart() throws {
    let own = try #require(ProcessIdentity(of: getpid()))
    #expect(own.isRunning)
    #expect(!ProcessIdentity(id: own.id, startTicks: own.startTicks + 1).isRunning)
    let process = try ChildProcess(ProcessLaunch(["sleep", "60"]))
    let identity = try #require(ProcessIdentity(of: process.id))
    identity.terminate(patience: .seconds(5))
    #expect(!identity.isRunning)
    #expect(try process.wait() == .signalled(SIGTERM))
    #expect(ProcessIdentity(of: process.id) == nil)
  }

  @Test func whatDoesNotEndByItselfIsEnded() throws {
    let process = try ChildProcess(
      ProcessLaunch(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]))
    let identity = try #require(ProcessIdentity(of: process.id))
    usleep(200_000)
    identity.terminate(patience: .milliseconds(300))
    #expect(try process.wait() == .signalled(SIGKILL))
  }

  // MARK: Programs that outlive this process

  @Test func aProgramThatEndsInsteadSaysWhy() throws {
    let process = try LastingProcess(
      ProcessLaunch(["sh", "-c", "echo 'no room' >&2; exit 1"]), name: "the server")
    let error = try #require(throws: ChildProcessError.self) {
      try process.waitUntilReady(patience: .seconds(20), cancellation: CancellationFlag()) { false }
    }
    #expect(error.description == "the server did not start: no room")
  }

  @Test func aProgramThatIsNotReadyInTimeIsEnded() throws {
    let identity = try { () -> ProcessIdentity in
      let process = try LastingProcess(ProcessLaunch(["sleep", "60"]), name: "the server")
      let identity = try #require(process.identity)
      #expect(throws: ChildProcessError.self) {
        try process.waitUntilReady(patience: .milliseconds(100), cancellation: CancellationFlag()) {
          false
        }
      }
      return identity
    }()
    #expect(!identity.isRunning)
  }

  @Test func aProgramThatIsReadyStays() throws {
    let directory = try TemporaryDirectory()
    let path = directory.appending("ready").string
    let identity = try { () -> ProcessIdentity in
      let process = try LastingProcess(
        ProcessLaunch(["sh", "-c", "touch \(path); exec sleep 60"]), name: "the server")
      try process.waitUntilReady(patience: .seconds(20), cancellation: CancellationFlag()) {
        access(path, F_OK) == 0
      }
      return try #require(process.identity)
    }()
    #expect(identity.isRunning)
    identity.terminate(patience: .seconds(5))
  }
}
