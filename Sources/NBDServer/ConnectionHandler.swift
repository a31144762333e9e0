import Logging
import NBDProtocol
import NIOCore
import NIOPosix

/// Drives one `ServerConnection`: carries its bytes and does what it says.
///
/// Output is bounded by hand. Nothing new is begun while the channel is not writable, so that a
/// client that does not read costs at most what its window and the channel's high-water mark
/// allow, and the socket is not read while nothing new may begin.
///
/// All of it runs on the channel's event loop, which nothing here may block.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Replies are sent at the latest when so much has gathered; then others have their turn.
  private static let batchBytes = 1 << 20

  /// How long a client that was told that nothing follows may take to close.
  private static let lingerLimit = TimeAmount.milliseconds(500)

  let services: Services
  let record: ConnectionRecord
  var machine: ServerConnection
  let account: MemoryAccount
  /// A list of exports waits for memory.
  var isListingDue = false
  var outbox = Outbox()
  /// Nil before the channel is active and after it is gone.
  private(set) var context: ChannelHandlerContext?
  /// The export that was opened last.
  var opened: OpenExport?
  var selection: ContextSelection?
  /// The name that the export was entered by, and what it meant.
  var use: KeptNames.Use?
  /// The name of the export that was refused last.
  var refusedExport: String?
  /// The way to the export that was entered; nil before that, and once the client is gone.
  var queue: WorkQueue?
  /// What is to be handed over to the queue.
  var due: [WorkQueue.Piece] = []
  var closing = ClosingState.open
  var hasSeenEnd = false
  var polling = RequestPolling()
  var workPolling = WorkPolling()

  /// The clock for the next option, and how many options had come when it was started.
  private var optionDeadline: (scheduled: Scheduled<Void>, optionCount: Int)?
  private var isAdvancing = false
  private var isAdvanceScheduled = false

  enum ClosingState {
    case open
    /// The last bytes are on their way; what is received is thrown away.
    case sendingLast
    /// Everything was sent and the client was told so; it is to close now.
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
    polling.noteInput(at: .now())
    machine.receive(unwrapInboundIn(data))
    // What is complete is begun at once, so that no more gathers than has to.
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

  /// A connection that broke is not worth a word: clients go away as they like.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  /// The server is shutting down: finish what is in flight, then close. What is new is refused only
  /// where that takes long.
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

  /// Does what there is to do, as far as the client takes it.
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

  /// Asks to go on after everything else that the loop has to do now: completions that arrive
  /// together are sent together.
  func scheduleAdvance() {
    guard let context, !isAdvanceScheduled else { return }
    isAdvanceScheduled = true
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    context.eventLoop.execute {
      handler.value.isAdvanceScheduled = false
      handler.value.advance()
    }
  }

  /// - Returns: whether more could be done once what is pending has been sent.
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

  /// Everything owed was given. The last bytes are sent, the client is told that nothing follows,
  /// and has a while to close before that is done for it: closing while it still sends could
  /// destroy what it has not read.
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

  /// Restarts the clock for the next option when the last one was dealt with.
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
        .notice, "dropped a client: it took too long over an option", of: handler.value.record)
      handler.value.context?.close(promise: nil)
    }
    optionDeadline = (scheduled, machine.optionCount)
  }

  /// Closes for good when a whole interval passes in which the client took nothing.
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
