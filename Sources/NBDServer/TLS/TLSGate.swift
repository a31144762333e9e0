import NIOCore
import NIOSSL
import NIOTLS

/// Sits between the TLS handler and the connection handler. It waits for the TLS handshake and
/// checks the client's name; until then it passes nothing to the connection. It splits output into
/// small parts.
final class TLSGate: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// The TLS handler collects everything that is flushed at once in one buffer, and keeps that
  /// buffer until it sends again. A part of this size, encrypted in two records, takes 32 KiB.
  private static let partBytes = 30 << 10

  private enum State {
    case shakingHands(limit: Scheduled<Void>?)
    case established
    case failed
  }

  private let session: TLSSession
  private let source: TLSSource
  private let timeLimit: TimeAmount
  /// Called with the names that the client proved.
  private let whenEstablished: (_ names: [String]) -> Void
  private let whenFailed: (_ reason: String) -> Void
  private var state = State.shakingHands(limit: nil)
  private var unflushedBytes = 0

  init(
    _ session: TLSSession, of source: TLSSource, timeLimit: TimeAmount,
    whenEstablished: @escaping (_ names: [String]) -> Void,
    whenFailed: @escaping (_ reason: String) -> Void
  ) {
    self.session = session
    self.source = source
    self.timeLimit = timeLimit
    self.whenEstablished = whenEstablished
    self.whenFailed = whenFailed
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
    let limit = context.eventLoop.scheduleTask(in: timeLimit) {
      bound.value.handler.fail("it took too long", bound.value.context)
    }
    state = .shakingHands(limit: limit)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if case .established = state { context.fireChannelRead(data) }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    var bytes = unwrapOutboundIn(data)
    while bytes.readableBytes > Self.partBytes - unflushedBytes,
      let part = bytes.readSlice(length: Self.partBytes - unflushedBytes)
    {
      context.write(wrapOutboundOut(part), promise: nil)
      flush(context: context)
    }
    unflushedBytes += bytes.readableBytes
    context.write(wrapOutboundOut(bytes), promise: promise)
  }

  func flush(context: ChannelHandlerContext) {
    unflushedBytes = 0
    context.flush()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    do {
      let names = try session.peerNames()
      guard source.admits(names) else {
        let name = names.first.map { "'\($0)'" } ?? "without a name"
        return fail("client \(name) is not allowed", context)
      }
      guard end(.established) else { return }
      whenEstablished(names)
    } catch {
      fail(session.reason(of: error), context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch state {
    case .shakingHands: fail(session.reason(of: error), context)
    // A client that leaves without ending the TLS session is noticed by the end of its bytes.
    case .established:
      if case NIOSSLError.uncleanShutdown = error { return }
      context.fireErrorCaught(error)
    case .failed: break
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    _ = end(.failed)
    context.fireChannelInactive()
  }

  /// Ends the TLS handshake.
  ///
  /// - Returns: false if it had already ended.
  private func end(_ newState: State) -> Bool {
    guard case .shakingHands(let limit) = state else { return false }
    limit?.cancel()
    state = newState
    return true
  }

  private func fail(_ reason: String, _ context: ChannelHandlerContext) {
    guard end(.failed) else { return }
    whenFailed(reason)
    context.close(promise: nil)
  }
}
