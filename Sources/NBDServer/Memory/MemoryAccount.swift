import NBDProtocol
import NIOCore

/// What one connection holds of the ``ReplyMemory``: for payloads and answers in flight, and for
/// replies that are not sent yet. To be used on the connection's event loop alone.
final class MemoryAccount: WindowMemory {
  private enum Waiting {
    case no
    case queued(bytes: Int, alarm: RepeatedTask)
    /// It was taken; who wanted it is to ask again.
    case granted(bytes: Int)
  }

  private let memory: ReplyMemory
  private let connection: UInt64
  private let loop: any EventLoop
  private let patience: TimeAmount
  /// Called once there is what had to wait.
  var resume: () -> Void = {}
  /// Called each time that patience with others has run out.
  private let complain: () -> Void

  /// All of it: in flight, answered, and leaving.
  private var heldBytes = 0
  private var answeredBytes = 0
  private var leavingBytes = 0
  /// What of `heldBytes` was taken from the pool.
  private var pooledBytes = 0
  private var waiting = Waiting.no
  private var isClosed = false
  private var lastProgress = NIODeadline.now()

  init(
    of memory: ReplyMemory, connection: UInt64, loop: any EventLoop, patience: TimeAmount,
    complain: @escaping () -> Void
  ) {
    self.memory = memory
    self.connection = connection
    self.loop = loop
    self.patience = patience
    self.complain = complain
  }

  func take(_ bytes: Int) -> Bool {
    switch waiting {
    case .no: break
    case .queued: return false
    case .granted(let granted):
      waiting = .no
      if granted == bytes { return true }
      // What was waited for is wanted no more.
      heldBytes -= granted
      settlePool()
    }
    let wanted = exceedingShare(heldBytes + bytes)
    if wanted > pooledBytes {
      guard takeFromPool(for: bytes) else { return false }
      pooledBytes = wanted
    }
    heldBytes += bytes
    return true
  }

  func finish(_ bytes: Int) {
    if !isClosed { answeredBytes += bytes }
  }

  /// Every reply so far is handed to the socket, `replyBytes` in all.
  ///
  /// - Returns: what is to be kept when the last of them has left; nil where nothing was taken for
  ///   them.
  func leave(replyBytes: Int) -> EventLoopPromise<Void>? {
    if leavingBytes == 0 { lastProgress = .now() }
    let kept = min(answeredBytes, replyBytes)
    let surplus = answeredBytes - kept
    answeredBytes = 0
    leavingBytes += kept
    release(surplus)
    guard kept > 0 else { return nil }
    let promise = loop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { [self] _ in
      leavingBytes -= kept
      lastProgress = .now()
      release(kept)
    }
    return promise
  }

  /// The client sent something.
  func noteProgress() { lastProgress = .now() }

  /// Whether the client keeps memory from others by doing nothing for that long.
  ///
  /// - Parameter owesPayload: whether it is to send what it announced; else only replies that it
  ///   does not take count.
  func isStalled(
    for limit: TimeAmount, owesPayload: Bool, now: NIODeadline = .now()
  ) -> Bool {
    pooledBytes > 0 && (leavingBytes > 0 || owesPayload) && now - lastProgress >= limit
  }

  /// The connection is gone, and gives back all of it. What threads still hold for it is little, and
  /// soon gone, too.
  func close() {
    if case .queued(_, let alarm) = waiting {
      alarm.cancel()
      memory.forget(connection)
    }
    waiting = .no
    isClosed = true
    heldBytes = 0
    settlePool()
  }

  private func takeFromPool(for bytes: Int) -> Bool {
    let account = NIOLoopBound(self, eventLoop: loop)
    let loop = loop
    let isTaken = memory.take(wish(for: bytes)) { granted in
      loop.execute { account.value.granted(granted) }
    }
    if !isTaken {
      let alarm = loop.scheduleRepeatedTask(initialDelay: patience, delay: patience) { _ in
        if account.value.pooledBytes == 0 { account.value.complain() }
      }
      waiting = .queued(bytes: bytes, alarm: alarm)
    }
    return isTaken
  }

  private func granted(_ fromPool: Int) {
    pooledBytes += fromPool
    guard case .queued(let bytes, let alarm) = waiting else { return settlePool() }
    alarm.cancel()
    heldBytes += bytes
    waiting = .granted(bytes: bytes)
    settlePool()
    resume()
  }

  private func release(_ bytes: Int) {
    guard bytes > 0, !isClosed else { return }
    heldBytes -= bytes
    settlePool()
  }

  /// Gives back what is no longer needed of the pool.
  private func settlePool() {
    let surplus = pooledBytes - exceedingShare(heldBytes)
    guard surplus > 0 else { return }
    pooledBytes -= surplus
    if case .queued(let bytes, _) = waiting {
      memory.giveBack(surplus, stillWishing: wish(for: bytes))
    } else {
      memory.giveBack(surplus)
    }
  }

  private func wish(for bytes: Int) -> ReplyMemory.Wish {
    ReplyMemory.Wish(
      connection: connection, heldBytes: pooledBytes,
      wantedBytes: exceedingShare(heldBytes + bytes))
  }

  private func exceedingShare(_ bytes: Int) -> Int { max(0, bytes - memory.shareBytes) }
}
