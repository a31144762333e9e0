import Glibc
import NBDProtocol
import NIOCore

/// Decides whether the loop polls for the client's next request for a moment before its thread
/// sleeps.
///
/// A client that sends one request at a time sends the next one within a few microseconds after a
/// reply. To put the thread to sleep and to wake it takes longer than to answer from the cache. So
/// if the last request came that soon, the thread polls for the next one. After one poll in vain,
/// it sleeps again.
///
/// Polling helps only while a core has nothing else to do. If other threads need the core, the
/// system interrupts the polling thread. The thread then does not poll for a while.
struct RequestPolling {
  /// How long a thread polls: about the time that it takes to put it to sleep and to wake it.
  static let limit = TimeAmount.microseconds(40)
  /// If a request comes this soon after a reply, polling would have been worthwhile. The time
  /// includes the client's own time and the time to wake the thread.
  private static let shortPause = TimeAmount.microseconds(80)
  /// If a thread polls this much longer than intended, the system has interrupted it for others.
  static let interruption = TimeAmount.microseconds(100)
  /// How long no thread polls after such an interruption.
  static let respite = TimeAmount.milliseconds(500)

  private var lastReply: NIODeadline?
  private var isSoon = false
  private var respiteEnd = NIODeadline.uptimeNanoseconds(0)

  /// Notes that all requests so far are answered.
  ///
  /// - Returns: whether to poll now.
  mutating func noteReply(at now: NIODeadline) -> Bool {
    lastReply = now
    return isSoon && now >= respiteEnd
  }

  /// Notes that the client has sent something.
  mutating func noteInput(at now: NIODeadline) {
    guard let lastReply else { return }
    isSoon = now - lastReply <= Self.shortPause
    self.lastReply = nil
  }

  /// Notes that the thread has polled until now.
  mutating func noteEnd(at now: NIODeadline, cameInput: Bool) {
    guard let lastReply else { return }
    isSoon = cameInput
    if now - lastReply > Self.limit + Self.interruption { respiteEnd = now + Self.respite }
  }
}

extension ConnectionHandler {
  /// Polls for the next request if it will probably come at once and no other client has to wait.
  func awaitNextRequest(_ context: ChannelHandlerContext) {
    guard queue != nil, machine.inFlightCount == 0, wantsInput else { return }
    let now = NIODeadline.now()
    guard polling.noteReply(at: now), services.registry.hasOne else { return }
    let cameInput = lookForInput(context, until: now + RequestPolling.limit) { false }.cameInput
    polling.noteEnd(at: .now(), cameInput: cameInput)
  }

  /// Polls the socket for input until `deadline`, or until `isOver` returns true.
  ///
  /// - Returns: whether input came, and whether the system ran another thread on this core in
  ///   between.
  func lookForInput(
    _ context: ChannelHandlerContext, until deadline: NIODeadline, orUntil isOver: () -> Bool
  ) -> (cameInput: Bool, wasStopped: Bool) {
    let outcome = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
      of: NIOBSDSocket.Handle.self
    ) { socket in
      var state = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      var (last, now, wasStopped) = (NIODeadline.now(), NIODeadline.now(), false)
      repeat {
        if poll(&state, 1, 0) != 0 { return (true, wasStopped) }
        if isOver() { return (false, wasStopped) }
        (last, now) = (now, .now())
        wasStopped = wasStopped || now - last > RequestPolling.interruption
      } while now < deadline
      return (false, wasStopped)
    }
    return outcome ?? (false, false)
  }
}
