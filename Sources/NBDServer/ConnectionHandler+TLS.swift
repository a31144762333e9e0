import Logging
import NBDProtocol
import NIOCore

// TLS on one connection: proto.md, "TLS support".
extension ConnectionHandler {
  /// What the machine is to make of STARTTLS.
  static func tlsPolicy(_ configuration: ServerConfiguration) -> TLSPolicy {
    configuration.tls?.policy ?? .off
  }

  /// Puts TLS in front of this handler and calls `ServerConnection/tlsEstablished()` once it is
  /// established. Everything that was to be sent in the clear has been flushed.
  func startTLS(_ context: ChannelHandlerContext) {
    // The machine asks for TLS only where there are credentials.
    guard let source = services.tls else { return context.close(promise: nil) }
    do {
      let session = try source.current.makeSession()
      let gate = TLSGate(
        session, of: source, timeLimit: TimeAmount(services.configuration.optionTimeLimit),
        whenEstablished: { [self] names in
          // The server may be stopping since the TLS handshake began.
          guard case .open = closing else { return }
          record.encrypted(for: names.first)
          machine.tlsEstablished()
          scheduleAdvance()
        },
        whenFailed: { [services, record] reason in
          services.report(.notice, "refused TLS to a client: \(reason)", of: record)
        })
      try context.pipeline.syncOperations.addHandlers([session.handler, gate], position: .first)
      // Further reads are the TLS handler's, until it has something for this one.
      context.read()
    } catch {
      services.report(.error, "TLS failed: \(TLSFailure.reason(of: error))", of: record)
      context.close(promise: nil)
    }
  }
}
