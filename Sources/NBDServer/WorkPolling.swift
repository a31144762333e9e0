import NBDProtocol
import NIOCore

/// Decides whether the loop polls for the answer to the only request of the only client, rather than sleep.
///
/// Reading and decompressing a cached chunk takes about as long as waking the two threads on its way. So
/// after a quick answer the loop polls for the next one. After one slow answer it sleeps again. As with
/// ``RequestPolling``, polling helps only while a core is idle.
struct WorkPolling {
  /// How long a thread stays awake: enough for a chunk and its base.
  static let limit = TimeAmount.microseconds(300)

  private var start: NIODeadline?
  private var isSoon = false
  private var respiteEnd = NIODeadline.uptimeNanoseconds(0)

  /// A piece of work was handed over.
  ///
  /// - Returns: whether to stay awake now.
  mutating func noteStart(at now: NIODeadline) -> Bool {
    start = now
    return isSoon && now >= respiteEnd
  }

  /// A piece of work came back.
  mutating func noteFinished(at now: NIODeadline) {
    guard let start else { return }
    isSoon = now - start <= Self.limit
    self.start = nil
  }

  /// The thread stayed awake until now, and nothing came back.
  mutating func noteEnd() { isSoon = false }

  /// The thread was stopped for others while it stayed awake.
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
