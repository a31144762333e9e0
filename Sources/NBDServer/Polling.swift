import Glibc
import NBDProtocol
import NIOCore

/// Whether it is worth while to stay awake for a moment for what comes next, before the thread goes to sleep.
///
/// To put a thread to sleep and wake it takes longer than to answer from the cache, and about as long as to
/// read and decompress a cached chunk. So where the last came soon, the next is waited for awake, once in
/// vain at most.
///
/// That is good only while a core has nothing else to do. A thread that others are waiting behind is
/// stopped in the middle of it; then it sleeps like any other for a while.
struct Polling {
  /// For the next request of a client that sends one at a time, from the reply on: about what it takes to put
  /// the thread to sleep and wake it. One that comes somewhat later would have been worth waiting for: waking
  /// the thread took time as well.
  static let forRequest = Polling(limit: .microseconds(40), soon: .microseconds(80))
  /// For the answer to the only request of the only client: enough for a chunk and its base.
  static let forWork = Polling(limit: .microseconds(300), soon: .microseconds(300))

  /// A thread that was away so long while it stayed awake was stopped for others.
  static let interruption = TimeAmount.microseconds(100)
  /// How long no thread stays awake then.
  private static let respite = TimeAmount.milliseconds(500)

  /// How long a thread stays awake.
  let limit: TimeAmount
  /// What takes no longer comes soon.
  private let soon: TimeAmount

  private var start: NIODeadline?
  private var isSoon = false
  private var respiteEnd = NIODeadline.uptimeNanoseconds(0)

  private init(limit: TimeAmount, soon: TimeAmount) {
    (self.limit, self.soon) = (limit, soon)
  }

  /// Something is waited for from now on.
  ///
  /// - Returns: whether to stay awake.
  mutating func begin(at now: NIODeadline) -> Bool {
    start = now
    return isSoon && now >= respiteEnd
  }

  /// It came.
  mutating func noteArrival(at now: NIODeadline) {
    guard let start else { return }
    isSoon = now - start <= soon
    self.start = nil
  }

  /// The thread stayed awake until now.
  mutating func end(at now: NIODeadline, inVain: Bool, wasStopped: Bool) {
    if inVain { isSoon = false }
    if wasStopped { respiteEnd = now + Self.respite }
  }
}

extension ConnectionHandler {
  /// Stays awake for the next request where that is likely to come at once, and nobody else is there to
  /// be kept waiting.
  func awaitNextRequest(_ context: ChannelHandlerContext) {
    guard queue != nil, machine.inFlightCount == 0, wantsInput else { return }
    let now = NIODeadline.now()
    guard requestPolling.begin(at: now), services.registry.hasOne else { return }
    let look = lookForInput(context, until: now + requestPolling.limit) { false }
    requestPolling.end(at: .now(), inVain: !look.cameInput, wasStopped: look.wasStopped)
  }

  /// Stays awake for the answer to the only request if it is likely to come soon and no other client could
  /// wait.
  func awaitWork(_ context: ChannelHandlerContext) {
    guard let queue, machine.inFlightCount == 1, services.registry.hasOne else { return }
    let now = NIODeadline.now()
    guard workPolling.begin(at: now) else { return }
    var look = (cameInput: false, wasStopped: false)
    let isFinished = queue.watching {
      look = lookForInput(context, until: now + workPolling.limit) { queue.hasFinished }
    }
    workPolling.end(
      at: .now(), inVain: !isFinished && !look.cameInput, wasStopped: look.wasStopped)
    if isFinished { finishWork() }
  }

  /// Polls the socket for input until `deadline`, or until `isOver` returns true.
  ///
  /// - Returns: whether input came, and whether the system ran another thread on this core meanwhile.
  private func lookForInput(
    _ context: ChannelHandlerContext, until deadline: NIODeadline, orUntil isOver: () -> Bool
  ) -> (cameInput: Bool, wasStopped: Bool) {
    let outcome = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
      of: NIOBSDSocket.Handle.self
    ) { socket in
      var state = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      var (now, wasStopped) = (NIODeadline.now(), false)
      while true {
        let cameInput = poll(&state, 1, 0) != 0
        let isOver = cameInput || isOver()
        let last = now
        now = .now()
        wasStopped = wasStopped || now - last > Polling.interruption
        if isOver || now >= deadline { return (cameInput, wasStopped) }
      }
    }
    return outcome ?? (false, false)
  }
}
