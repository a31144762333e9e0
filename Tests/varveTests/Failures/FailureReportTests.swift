import ChildProcesses
import SystemPackage
import Testing
import Workers

@testable import varve

@Suite struct FailureReportTests {
  /// The code that a program reads, of what `body` throws.
  private func code(of body: () throws -> Void) throws -> FailureCode {
    FailureReport(try #require(throws: ChildProcessError.self, performing: body)).code
  }

  @Test func aProgramOfTheSystemThatFailsHasACode() throws {
    #expect(try code { try Tool("no-such-program").run() } == .notFound)
    #expect(try code { try Tool("/etc/passwd").run() } == .permissionDenied)
    #expect(try code { try Tool("false").run() } == .failed)
    let name = [CChar(bitPattern: 0xff), 0]
    #expect(
      try code { try UnixSocket.checkDirectory(FilePath(platformString: name)) } == .invalidRequest)
  }

  @Test func aStartThatWasCancelledIsAnInterruption() throws {
    let process = try LastingProcess(ProcessLaunch(["sleep", "60"]), name: "the server")
    let cancellation = CancellationFlag()
    cancellation.cancel()
    let found = try code {
      try process.waitUntilReady(patience: .seconds(20), cancellation: cancellation) { false }
    }
    #expect(found == .interrupted)
  }
}
