import Logging
import NBDProtocol
import NIOCore
import NIOPosix

/// Drives one `ServerConnection`: transports its bytes and carries out its actions.
///
/// The handler limits the output itself. It begins no new work while the channel is not writable.
/// So a client that does not read costs no more memory than its window and the channel's high-water
/// mark allow. While no new work may begin, the handler does not read from the socket.
///
/// All functions run on the channel's event loop and must not block it.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// When this much output has been collected, it is sent, and other connections get their turn.
  private static let batchBytes = 1 << 20

  /// How long a client may take to close the connection after the server has ended its output.
  private static let lingerLimit = TimeAmount.milliseconds(500)

  let services: Services
  let record: ConnectionRecord
  var machine: ServerConnection
  let account: MemoryAccount
  /// Whether a list of exports waits for memory.
  var isListingDue = false
  var outbox = Outbox()
  /// Nil before the channel is active and after it is gone.
  private(set) var context: ChannelHandlerContext?
  /// The export that was opened last.
  var opened: OpenExport?
  var selection: ContextSelection?
  /// How the client uses the name of its export, and the content that the name stands for.
  var use: KeptNames.Use?
  /// The name of the last refused export.
  var refusedExport: String?
  /// Passes work on the entered export to threads. Nil before an export is entered, and after the
  /// client has gone.
  var queue: WorkQueue?
  /// Work that is not yet passed to the queue.
  var due: [WorkQueue.Piece] = []
  var closing = ClosingState.open
  var hasSeenEnd = false
  var requestPolling = Polling.forRequest
  var workPolling = Polling.forWork

  /// The timer for the next option, and the number of options received when it was started.
  private var optionDeadline: (scheduled: Scheduled<Void>, optionCount: Int)?
  private var isAdvancing = false
  private var isAdvanceScheduled = false

  enum ClosingState {
    case open
    /// The last bytes are being sent. Received bytes are discarded.
    case sendingLast
    /// Everything is sent and the output is closed. The client now has to close.
    case lingering
  }

  init(services: Services, record: ConnectionRecord, loop: any EventLoop) {
    self.services = services
    self.record = record
    let configuration = services.configuration
    account = Self.openAccount(services, record, loop)
    machine = ServerConnection(
      limits: configuration.handshakeLimits,
      window: RequestWindow(
        limitCount: configuration.inFlightLimitCount,
        limitBytes: configuration.inFlightLimitBytes, memory: account),
      tls: Self.tlsPolicy(configuration))
    account.resume = { [weak self] in self?.resume() }
  }

  // MARK: Channel events

  func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { begin(context) }
  }

  func channelActive(context: ChannelHandlerContext) { begin(context) }

  private func begin(_ context: ChannelHandlerContext) {
    guard self.context == nil else { return }
    self.context = context
    let greeting = machine.start()
    outbox.append(greeting)
    advance()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .open = closing else { return }
    account.noteProgress()
    requestPolling.noteArrival(at: .now())
    machine.receive(unwrapInboundIn(data))
    // Starts complete requests at once, so that as few bytes as possible are collected.
    guard !isAdvancing else { return }
    isAdvancing = true
    _ = takeActions(context)
    isAdvancing = false
  }

  func channelReadComplete(context: ChannelHandlerContext) { advance() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { advance() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed {
      hasSeenEnd = true
      machine.inputClosed()
      if case .lingering = closing { context.close(promise: nil) } else { advance() }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    optionDeadline?.scheduled.cancel()
    endUse()
    self.context = nil
    queue?.cancel()
    queue = nil
    due = []
    forgetExports()
    account.close()
    context.fireChannelInactive()
  }

  /// A broken connection is not logged, because clients may disconnect at any time.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  /// Shuts down the connection: finishes the work in flight, then closes. New requests are refused
  /// only if this takes longer than the limit.
  func shutDown() {
    machine.shutDown()
    advance()
    guard let context else { return }
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    let limit = TimeAmount(services.configuration.holdingTimeLimit)
    context.eventLoop.scheduleTask(in: limit) {
      handler.value.machine.refuseRequests()
      handler.value.advance()
    }
  }

  // MARK: The loop

  /// Carries out actions until there is nothing to do or the client takes no more output.
  func advance() {
    guard let context, !isAdvancing else { return }
    isAdvancing = true
    let hasMore = takeActions(context)
    flush(context)
    isAdvancing = false
    if hasMore, context.channel.isWritable { scheduleAdvance() }
    watchOptions(context)
    guard wantsInput else { return }
    context.read()
    awaitNextRequest(context)
    awaitWork(context)
  }

  var wantsInput: Bool {
    guard let context else { return false }
    switch closing {
    case .open: return machine.wantsInput && context.channel.isWritable
    case .sendingLast, .lingering: return !hasSeenEnd
    }
  }

  /// Calls ``advance()`` after everything else that the loop has to do now, so that replies that
  /// become ready together are sent together.
  func scheduleAdvance() {
    guard let context, !isAdvanceScheduled else { return }
    isAdvanceScheduled = true
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.eventLoop.execute {
      handler.value.isAdvanceScheduled = false
      handler.value.advance()
    }
  }

  /// Carries out actions of the state machine.
  ///
  /// - Returns: whether more can be done once the pending output has been sent.
  private func takeActions(_ context: ChannelHandlerContext) -> Bool {
    guard case .open = closing else { return false }
    defer { handOver() }
    while outbox.pendingBytes < Self.batchBytes, context.channel.isWritable {
      switch machine.next() {
      case .wait: return false
      case .send(let bytes): outbox.append(bytes)
      case .listExports: listWhenPossible(context.eventLoop)
      case .openExport(let name, let queries, let isSelection):
        open(name, queries, isSelection: isSelection, context.eventLoop)
      case .startTLS:
        forgetExports()
        flush(context)
        startTLS(context)
        return false
      case .begin: enter(context.eventLoop)
      case .perform(let work): perform(work)
      case .finish:
        finish(context)
        return false
      case .abandon(let reason):
        services.report(.notice, "dropped a client: \(reason)", of: record)
        context.close(promise: nil)
        return false
      }
    }
    return true
  }

  private func flush(_ context: ChannelHandlerContext) {
    let replyBytes = outbox.pendingBytes
    let hasLeft = account.leave(replyBytes: replyBytes)
    guard replyBytes > 0 else { return }
    record.sent(replyBytes)
    outbox.drain { bytes, isLast in
      context.write(wrapOutboundOut(bytes), promise: isLast ? hasLeft : nil)
    }
    context.flush()
    outbox.reclaim()
  }

  /// Ends the connection after the last reply: sends the last bytes, closes the output, and gives
  /// the client some time to close. If the server closed while the client still sends, the client
  /// could lose replies that it has not read.
  private func finish(_ context: ChannelHandlerContext) {
    closing = .sendingLast
    flush(context)
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    let isSent = context.eventLoop.makePromise(of: Void.self)
    isSent.futureResult.whenSuccess { handler.value.linger() }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: isSent)
    watchClosing(context, bytesLeft: nil)
  }

  private func linger() {
    guard let context else { return }
    guard !hasSeenEnd else { return context.close(promise: nil) }
    closing = .lingering
    context.close(mode: .output, promise: nil)
    context.read()
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.eventLoop.scheduleTask(in: Self.lingerLimit) {
      handler.value.context?.close(promise: nil)
    }
  }

  // MARK: Time limits

  /// Restarts the timer for the next option after each option.
  private func watchOptions(_ context: ChannelHandlerContext) {
    let isWaiting = machine.isWaitingForOptions && closing == .open
    if isWaiting, optionDeadline?.optionCount == machine.optionCount { return }
    optionDeadline?.scheduled.cancel()
    optionDeadline = nil
    guard isWaiting else { return }
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    let limit = TimeAmount(services.configuration.optionTimeLimit)
    let scheduled = context.eventLoop.scheduleTask(in: limit) {
      handler.value.services.report(
        .notice, "dropped a client: it took too long to choose an export", of: handler.value.record)
      handler.value.context?.close(promise: nil)
    }
    optionDeadline = (scheduled, machine.optionCount)
  }

  /// Closes the connection if the client has taken no output during a whole interval.
  private func watchClosing(_ context: ChannelHandlerContext, bytesLeft: Int?) {
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    let limit = TimeAmount(services.configuration.closingTimeLimit)
    context.eventLoop.scheduleTask(in: limit) {
      guard let context = handler.value.context else { return }
      let left = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
      if let left, left > 0, left != bytesLeft {
        handler.value.watchClosing(context, bytesLeft: left)
      } else {
        context.close(promise: nil)
      }
    }
  }
}
