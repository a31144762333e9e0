import Logging
import NBDProtocol
import NIOCore

// TLS on one connection: proto.md, "TLS support".
extension ConnectionHandler {
  /// How the state machine handles STARTTLS.
  static func tlsPolicy(_ configuration: ServerConfiguration) -> TLSPolicy {
    configuration.tls?.policy ?? .off
  }

  /// Inserts the TLS handlers before this handler, and calls `ServerConnection/tlsEstablished()`
  /// after the TLS handshake. All unencrypted output has been flushed before.
  func startTLS(_ context: ChannelHandlerContext) {
    // The state machine asks for TLS only if there are credentials.
    guard let source = services.tls else { return context.close(promise: nil) }
    do {
      let session = try source.current.makeSession()
      let gate = TLSGate(
        session, of: source, timeLimit: TimeAmount(services.configuration.optionTimeLimit),
        whenEstablished: { [self] names in
          // The server may have begun to stop since the TLS handshake began.
          guard case .open = closing else { return }
          record.encrypted(for: names.first)
          machine.tlsEstablished()
          scheduleAdvance()
        },
        whenFailed: { [services, record] reason in
          services.report(.notice, "refused TLS to a client: \(reason)", of: record)
        })
      try context.pipeline.syncOperations.addHandlers([session.handler, gate], position: .first)
      // The TLS handler needs further reads, until it has decrypted bytes for this handler.
      context.read()
    } catch {
      services.report(.error, "TLS failed: \(TLSFailure.reason(of: error))", of: record)
      context.close(promise: nil)
    }
  }
}
