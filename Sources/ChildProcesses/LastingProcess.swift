import FileIO
import Glibc
import SystemPackage
package import Workers

/// A program that continues to run after this process has ended. If this value is released before
/// the program is ready, the program is killed.
///
/// Messages of the program are lost once it is ready: a log file would grow for as long as the
/// program runs.
package final class LastingProcess {
  /// The most bytes that are kept of a program's messages while it starts.
  private static let limitBytes = 16 << 10

  private let name: String
  private let program: String
  private let process: ChildProcess
  private let messages: Descriptor
  private var said: [UInt8] = []
  private var isReady = false

  /// Starts the program.
  ///
  /// - Parameter name: the name of the program in messages, such as `the server`.
  package init(_ launch: ProcessLaunch, name: String) throws(ChildProcessError) {
    self.name = name
    program = launch.words[0]
    var launch = launch
    launch.input = .nothing
    launch.output = .nothing
    launch.isDetached = true
    do throws(Errno) {
      let pipe = try Pipe()
      launch.errors = .descriptor(pipe.writing.rawValue)
      process = try ChildProcess(launch)
      messages = pipe.reading
    } catch {
      throw .cannotStart(name, program: program, error)
    }
  }

  deinit {
    if isReady { return }
    process.send(SIGKILL)
    _ = try? process.wait()
  }

  /// Identifies the process, so that a later process can find it; nil if it has already ended.
  package var identity: ProcessIdentity? { ProcessIdentity(of: process.id) }

  /// Waits until `condition` is true: the program is then ready.
  ///
  /// - Throws: ``ChildProcessError``: `.failed` with the program's messages if it ends, `.notReady`
  ///   if it takes longer than `patience`, `.cancelled`, or `.cannotRun` if it cannot be watched.
  package func waitUntilReady(
    patience: Duration, cancellation: CancellationFlag, _ condition: () -> Bool
  ) throws(ChildProcessError) {
    let deadline = ContinuousClock.now + patience
    while !condition() {
      if cancellation.isCancelled { throw .cancelled }
      let ending: ChildProcess.Ending?
      do throws(Errno) {
        ending = try process.endingIfEnded()
        while try listen(), ending != nil {}
      } catch {
        throw .cannotStart(name, program: program, error)
      }
      if let ending { throw .endedEarly(name, ending, said: Tool.oneLine(said)) }
      guard ContinuousClock.now < deadline else { throw .notReady(name, after: patience) }
    }
    isReady = true
  }

  /// Waits at most 20 ms for messages of the program; false if there were none.
  private func listen() throws(Errno) -> Bool {
    var poll = pollfd(fd: messages.rawValue, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&poll, 1, 20) > 0 else { return false }
    let piece = try messages.nextBytes()
    said += piece.prefix(Self.limitBytes - said.count)
    // At the end of the pipe, poll(2) does not wait.
    if piece.isEmpty { usleep(20_000) }
    return !piece.isEmpty
  }
}
