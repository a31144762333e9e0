import NBDProtocol
import NIOCore

/// Decides whether the loop polls, instead of sleeping, while the only request of the only client
/// is in progress.
///
/// Reading and decompressing a cached chunk takes about as long as waking the two threads on its way. So
/// after a quick answer the loop polls for the next one. After one slow answer it sleeps again. As with
/// ``RequestPolling``, polling helps only while a core is idle.
struct WorkPolling {
  /// How long the loop polls: enough to read a chunk and its delta base.
  static let limit = TimeAmount.microseconds(300)

  private var start: NIODeadline?
  private var isSoon = false
  private var respiteEnd = NIODeadline.uptimeNanoseconds(0)

  /// Notes that a piece of work was passed to a thread.
  ///
  /// - Returns: whether to poll now.
  mutating func noteStart(at now: NIODeadline) -> Bool {
    start = now
    return isSoon && now >= respiteEnd
  }

  /// Notes that a piece of work is finished.
  mutating func noteFinished(at now: NIODeadline) {
    guard let start else { return }
    isSoon = now - start <= Self.limit
    self.start = nil
  }

  /// Notes that the loop has polled until now in vain.
  mutating func noteEnd() { isSoon = false }

  /// Notes that the system interrupted the thread while it polled.
  mutating func noteInterruption(at now: NIODeadline) {
    respiteEnd = now + RequestPolling.respite
  }
}

extension ConnectionHandler {
  /// Polls for the answer to the only request if it is likely to come soon and no other client could wait.
  func awaitWork(_ context: ChannelHandlerContext) {
    guard let queue, machine.inFlightCount == 1, services.registry.hasOne else { return }
    let now = NIODeadline.now()
    guard workPolling.noteStart(at: now) else { return }
    var look = (cameInput: false, wasStopped: false)
    let isFinished = queue.watching {
      look = lookForInput(context, until: now + WorkPolling.limit) { queue.hasFinished }
    }
    if look.wasStopped { workPolling.noteInterruption(at: .now()) }
    if isFinished {
      finishWork()
    } else if !look.cameInput {
      workPolling.noteEnd()
    }
  }
}
