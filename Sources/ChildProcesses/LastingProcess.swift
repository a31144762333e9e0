import FileIO
import Glibc
import SystemPackage
package import Workers

/// A program that is started to stay when this process has gone. Until it is ready it goes with the value.
///
/// What it says later, nobody hears: a file of it would grow for as long as the program stays.
package final class LastingProcess {
  /// What a program says while it starts is kept up to this length.
  private static let limitBytes = 16 << 10

  private let name: String
  private let program: String
  private let process: ChildProcess
  private let messages: Descriptor
  private var said: [UInt8] = []
  private var isReady = false

  /// - Parameter name: as messages call it, such as `the server`.
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

  /// To find it again by; nil when it has ended already.
  package var identity: ProcessIdentity? { ProcessIdentity(of: process.id) }

  /// Waits until the program does its work.
  ///
  /// - Throws: what the program said, where it ends or takes longer than that.
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

  /// Waits a moment for what the program says; false when there was nothing.
  private func listen() throws(Errno) -> Bool {
    var poll = pollfd(fd: messages.rawValue, events: Int16(POLLIN), revents: 0)
    guard Glibc.poll(&poll, 1, 20) > 0 else { return false }
    let piece = try messages.nextBytes()
    said += piece.prefix(Self.limitBytes - said.count)
    // At the end of the pipe there is nothing to wait for.
    if piece.isEmpty { usleep(20_000) }
    return !piece.isEmpty
  }
}
