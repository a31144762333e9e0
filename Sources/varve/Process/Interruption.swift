import Administration
import CLinux
import Glibc
import Synchronization
import Workers

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT (Ctrl-\) ask the program to stop: the work at hand sees the flag,
/// winds up and leaves nothing behind.
///
/// A signal that was ignored when the program was started, as under `nohup`, stays ignored. The others
/// are taken by a thread of their own, so that nothing has to be fit for a signal handler. Work that
/// does not stop within a few seconds, since it waits for a pipe that gives nothing, or a second
/// signal, end the process at once. SIGUSR1 asks how far the work has come, and stops nothing.
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
    var endsAtOnce = false
    /// Called for SIGHUP, which asks for no stop then.
    var hangUp: (@Sendable () -> Void)?
    /// Called for SIGUSR1.
    var report: (@Sendable () -> Void)?
    /// Gets the signals in place of this program.
    var receiver: (@Sendable (CInt) -> Void)?
  }

  var isRequested: Bool { flag.isCancelled }

  /// Whether it was SIGINT or SIGQUIT, as Ctrl-C and Ctrl-\ send them.
  var isInterrupt: Bool {
    [SIGINT, SIGQUIT].contains(signalNumber.load(ordering: .acquiring))
  }

  /// As a shell reports a program that a signal ended: 128 and the signal's number.
  var exitStatus: ExitStatus {
    let number = signalNumber.load(ordering: .acquiring)
    return number == 0 ? .failed : ExitStatus(rawValue: 128 + number)
  }

  /// Of the signal that came: `SIGINT`.
  var signalName: String {
    switch signalNumber.load(ordering: .acquiring) {
    case SIGINT: "SIGINT"
    case SIGTERM: "SIGTERM"
    case SIGHUP: "SIGHUP"
    case SIGQUIT: "SIGQUIT"
    default: "request"
    }
  }

  /// Takes charge of the signals. To be called before there are other threads, which inherit that
  /// they do not get them.
  func begin() throws {
    // Without a reader a write fails with EPIPE, which is an error like any other.
    signal(SIGPIPE, SIG_IGN)
    // Beyond the limit for files (ulimit -f) a write fails with EFBIG, likewise.
    signal(SIGXFSZ, SIG_IGN)
    // A program that is ignored when it ends could not be waited for.
    signal(SIGCHLD, SIG_DFL)
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

  /// Runs `body`; has SIGUSR1 call `report` meanwhile, on the thread of the signals.
  func answeringReportRequests<Result, Failure: Error>(
    _ report: @escaping @Sendable () -> Void, while body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    state.withLock { $0.report = report }
    defer { state.withLock { $0.report = nil } }
    return try body()
  }

  /// Runs `body`; when the process is ended at once meanwhile, `cleanup` runs before.
  ///
  /// - Parameter endsAtOnce: `body` waits for a person and can be left at the first signal.
  func cleaningUp<Result, Failure: Error>(
    endsAtOnce: Bool = false, with cleanup: @escaping @Sendable () -> Void,
    while body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let endedBefore = state.withLock { state in
      defer { state.endsAtOnce = state.endsAtOnce || endsAtOnce }
      return state.endsAtOnce
    }
    defer { state.withLock { $0.endsAtOnce = endedBefore } }
    return try Cleanups.ofProcess.cleaningUp(with: cleanup, while: body)
  }

  /// Runs `body`, and gives the signals that come meanwhile to `receiver`; they ask nothing of this
  /// program then.
  ///
  /// What a person types at the terminal is not among them: that reaches every program in front.
  func passingSignals<Result, Failure: Error>(
    to receiver: @escaping @Sendable (CInt) -> Void, while body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    state.withLock { $0.receiver = receiver }
    defer { state.withLock { $0.receiver = nil } }
    return try body()
  }

  private static var signals: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1]
    where linux_signal_is_ignored(signal) == 0 {
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
      // Whoever asks how far it is must not end it.
      sigdelset(&signals, SIGUSR1)
      _ = sigtimedwait(&signals, nil, &patience)
    }
    endNow()
  }

  /// Waits for a signal that asks this program to stop, and has others do with theirs what they
  /// will. Nil where there are none to wait for.
  private func nextRequest(of signals: inout sigset_t) -> CInt? {
    while true {
      var information = siginfo_t()
      let number = sigwaitinfo(&signals, &information)
      if number == -1, errno == EINTR { continue }
      guard number > 0 else { return nil }
      let (receiver, hangUp, report) = state.withLock { ($0.receiver, $0.hangUp, $0.report) }
      if number == SIGUSR1, receiver == nil {
        report?()
      } else if let receiver {
        let isTyped = information.si_code > 0
        if !isTyped { receiver(number) }
      } else if number == SIGHUP, let hangUp {
        hangUp()
      } else {
        return number
      }
    }
  }

  private func endNow() -> Never {
    Cleanups.ofProcess.perform()
    Console.shared.clearStatus()
    Console.shared.message("stopped by \(signalName)")
    if Arguments.contain("--json", Arguments.given().dropFirst()), !StandardOutput.hasWritten {
      try? StandardOutput().document(FailureReport.interruption.json)
    }
    _exit(exitStatus.rawValue)
  }
}
