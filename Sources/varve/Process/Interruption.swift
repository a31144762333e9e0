import CLinux
import Glibc
import Synchronization
import Workers

/// SIGINT, SIGTERM and SIGHUP ask the program to stop: the work at hand sees the flag, winds up and
/// leaves nothing behind.
///
/// A signal that was ignored when the program was started, as under `nohup`, stays ignored. The others
/// are taken by a thread of their own, so that nothing has to be fit for a signal handler. Work that does not stop within a few seconds, since it waits for a pipe that gives
/// nothing, or a second signal, end the process at once.
final class Interruption: Sendable {
  static let shared = Interruption()
  private static let patienceSeconds = 5

  /// Raised by the first signal.
  let flag = CancellationFlag()

  private let signalNumber = Atomic<CInt>(0)
  private let state = Mutex(State())
  private let arrival = Monitor(false)
  private let isAwaited = Atomic(false)

  private struct State {
    /// Undo what a process must not leave behind, such as a terminal without echo.
    var cleanups: [Int: @Sendable () -> Void] = [:]
    var nextKey = 0
    var endsAtOnce = false
    /// Called for SIGHUP, which asks for no stop then.
    var hangUp: (@Sendable () -> Void)?
  }

  var isRequested: Bool { flag.isCancelled }

  /// Of the signal that came: `SIGINT`.
  var signalName: String {
    switch signalNumber.load(ordering: .acquiring) {
    case SIGINT: "SIGINT"
    case SIGTERM: "SIGTERM"
    case SIGHUP: "SIGHUP"
    default: "request"
    }
  }

  /// Takes charge of the signals. To be called before there are other threads, which inherit that
  /// they do not get them.
  func begin() throws {
    // Without a reader a write fails with EPIPE, which is an error like any other.
    signal(SIGPIPE, SIG_IGN)
    var signals = Self.signals
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    _ = try WorkerThread(name: "signals") { [self] in takeSignals() }
  }

  /// Waits for a signal. Who does that winds up by itself, and takes the time it needs.
  func wait() {
    isAwaited.store(true, ordering: .releasing)
    arrival.wait { $0 }
  }

  /// Has SIGHUP call `handle` from now on, on the thread of the signals, and stop nothing.
  func onHangUp(_ handle: @escaping @Sendable () -> Void) {
    state.withLock { $0.hangUp = handle }
  }

  /// Runs `body`; when the process is ended at once meanwhile, `cleanup` runs before.
  ///
  /// - Parameter endsAtOnce: `body` waits for a person and can be left at the first signal.
  func cleaningUp<Result, Failure: Error>(
    endsAtOnce: Bool = false, with cleanup: @escaping @Sendable () -> Void,
    while body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let (key, endedBefore) = state.withLock { state in
      defer {
        state.cleanups[state.nextKey] = cleanup
        state.nextKey += 1
        state.endsAtOnce = state.endsAtOnce || endsAtOnce
      }
      return (state.nextKey, state.endsAtOnce)
    }
    defer {
      state.withLock { state in
        state.cleanups[key] = nil
        state.endsAtOnce = endedBefore
      }
    }
    return try body()
  }

  private static var signals: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP] where linux_signal_is_ignored(signal) == 0 {
      sigaddset(&signals, signal)
    }
    return signals
  }

  private func takeSignals() {
    var signals = Self.signals
    guard let number = nextRequest(of: &signals) else { return }
    signalNumber.store(number, ordering: .releasing)
    flag.cancel()
    arrival.withLock { $0 = true }
    arrival.broadcast()
    if state.withLock({ $0.endsAtOnce }) { endNow() }
    if isAwaited.load(ordering: .acquiring) {
      _ = nextRequest(of: &signals)
    } else {
      var patience = timespec(tv_sec: Self.patienceSeconds, tv_nsec: 0)
      _ = sigtimedwait(&signals, nil, &patience)
    }
    endNow()
  }

  /// Waits for a signal that asks to stop. Nil where there are none to wait for.
  private func nextRequest(of signals: inout sigset_t) -> CInt? {
    var number: CInt = 0
    while sigwait(&signals, &number) == 0 {
      guard number == SIGHUP, let handle = state.withLock({ $0.hangUp }) else { return number }
      handle()
    }
    return nil
  }

  private func endNow() -> Never {
    let cleanups = state.withLock { Array($0.cleanups.values) }
    for cleanup in cleanups { cleanup() }
    Console.shared.clearStatus()
    Console.shared.message("stopped by \(signalName)")
    _exit(ExitStatus.failed.rawValue)
  }
}
