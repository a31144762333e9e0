import FileIO
import Glibc
import SystemPackage

/// A program that is started to stay when varve has gone. Until it is ready it goes with the value.
///
/// What it says later, nobody hears: a file of it would grow for as long as the program stays.
final class LastingProcess {
  /// What a program says while it starts is kept up to this length.
  private static let limitBytes = 16 << 10

  private let name: String
  private let process: ChildProcess
  private let messages: Descriptor
  private var said: [UInt8] = []
  private var isReady = false

  /// - Parameter name: as messages call it, such as `the server`.
  /// - Throws: ``Failure`` where the program cannot be started.
  init(_ launch: ProcessLaunch, name: String) throws {
    self.name = name
    let pipe = try Pipe()
    process = try Self.start(launch, name, writingTo: pipe.writing.rawValue)
    messages = pipe.reading
  }

  deinit {
    if isReady { return }
    process.send(SIGKILL)
    _ = try? process.wait()
  }

  /// To find it again by; nil when it has ended already.
  var identity: ProcessIdentity? { ProcessIdentity(of: process.id) }

  /// Waits until the program does its work.
  ///
  /// - Throws: ``Failure``, with what the program said, where it ends or takes longer than that.
  func waitUntilReady(patience: Duration, _ condition: () -> Bool) throws {
    let deadline = ContinuousClock.now + patience
    while !condition() {
      if Interruption.shared.isRequested { throw Failure("interrupted") }
      if let ending = try process.endingIfEnded() {
        while try listen() {}
        let words = Tool.oneLine(said)
        throw Failure("\(name) did not start: \(words.isEmpty ? "\(ending)" : words)")
      }
      guard ContinuousClock.now < deadline else {
        throw Failure("\(name) did not start within \(patience)")
      }
      _ = try listen()
    }
    isReady = true
  }

  private static func start(
    _ launch: ProcessLaunch, _ name: String, writingTo output: CInt
  ) throws -> ChildProcess {
    var launch = launch
    launch.input = .nothing
    launch.output = .nothing
    launch.errors = .descriptor(output)
    launch.isDetached = true
    do {
      return try ChildProcess(launch)
    } catch {
      throw Failure("cannot start \(name), \(launch.words[0]): \(error.explanation)")
    }
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
