import NBDProtocol
import NIOCore

/// What one connection holds of the ``ReplyMemory``: for requests in flight, and for replies that
/// are not sent yet. Use it only on the connection's event loop.
final class MemoryAccount: WindowMemory {
  private enum Waiting {
    case no
    case queued(bytes: Int, alarm: RepeatedTask)
    /// The memory was taken. The window has to ask for it again.
    case granted(bytes: Int)
  }

  private let memory: ReplyMemory
  private let connection: UInt64
  private let loop: any EventLoop
  private let patience: TimeAmount
  /// Called when the memory that the connection waited for is available.
  var resume: () -> Void = {}
  /// Called each time that the patience with the other connections has run out.
  private let complain: () -> Void

  /// All held memory: for requests in flight, for answered requests, and for replies being sent.
  private var heldBytes = 0
  private var answeredBytes = 0
  private var leavingBytes = 0
  /// The part of `heldBytes` that comes from the pool.
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
      // The memory that the connection waited for is not needed any more.
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

  /// Notes that all replies so far, `replyBytes` in total, were passed to the socket.
  ///
  /// - Returns: a promise to complete when the last of these replies has been sent; nil if they
  ///   hold no memory.
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

  /// Notes that the client has sent something.
  func noteProgress() { lastProgress = .now() }

  /// Whether the client holds memory that others need and has made no progress for this long.
  ///
  /// - Parameter owesPayload: whether the client still has to send a payload that it announced.
  ///   Otherwise only replies that the client does not take count.
  func isStalled(
    for limit: TimeAmount, owesPayload: Bool, now: NIODeadline = .now()
  ) -> Bool {
    pooledBytes > 0 && (leavingBytes > 0 || owesPayload) && now - lastProgress >= limit
  }

  /// Returns all memory, because the connection is gone. Threads may still hold a little memory for
  /// it, for a short time.
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

  /// Returns memory to the pool that is no longer needed.
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
