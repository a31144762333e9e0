import Glibc
import NBDProtocol
import NIOCore

/// Whether it is worth while to look for the next request of a client for a moment before the thread
/// goes to sleep.
///
/// A client that sends one request at a time sends the next one within a few microseconds of a reply. To
/// put the thread to sleep and wake it takes longer than to answer from the cache. So where the last
/// request came that soon, the next one is waited for awake, once in vain at most.
///
/// That is good only while a core has nothing else to do. A thread that others are waiting behind is
/// stopped in the middle of it; then it sleeps like any other for a while.
struct RequestPolling {
  /// How long a thread stays awake: about what it takes to put it to sleep and wake it.
  static let limit = TimeAmount.microseconds(40)
  /// A request that comes so soon after a reply would have been worth waiting for. It took the client
  /// time, and waking the thread as well.
  private static let shortPause = TimeAmount.microseconds(80)
  /// A thread that stayed awake so much longer than it wanted was stopped for others.
  static let interruption = TimeAmount.microseconds(100)
  /// How long no thread stays awake then.
  static let respite = TimeAmount.milliseconds(500)

  private var lastReply: NIODeadline?
  private var isSoon = false
  private var respiteEnd = NIODeadline.uptimeNanoseconds(0)

  /// Everything was answered that had been asked.
  ///
  /// - Returns: whether to stay awake now.
  mutating func noteReply(at now: NIODeadline) -> Bool {
    lastReply = now
    return isSoon && now >= respiteEnd
  }

  /// The client sent something.
  mutating func noteInput(at now: NIODeadline) {
    guard let lastReply else { return }
    isSoon = now - lastReply <= Self.shortPause
    self.lastReply = nil
  }

  /// The thread stayed awake until now.
  mutating func noteEnd(at now: NIODeadline, cameInput: Bool) {
    guard let lastReply else { return }
    isSoon = cameInput
    if now - lastReply > Self.limit + Self.interruption { respiteEnd = now + Self.respite }
  }
}

extension ConnectionHandler {
  /// Stays awake for the next request where that is likely to come at once, and nobody else is there to
  /// be kept waiting.
  func awaitNextRequest(_ context: ChannelHandlerContext) {
    guard queue != nil, machine.inFlightCount == 0, wantsInput else { return }
    let now = NIODeadline.now()
    guard polling.noteReply(at: now), services.registry.hasOne else { return }
    let cameInput = lookForInput(context, until: now + RequestPolling.limit) { false }.cameInput
    polling.noteEnd(at: .now(), cameInput: cameInput)
  }

  /// Polls the socket for input until `deadline`, or until `isOver` returns true.
  ///
  /// - Returns: whether input came, and whether the system ran another thread on this core meanwhile.
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
