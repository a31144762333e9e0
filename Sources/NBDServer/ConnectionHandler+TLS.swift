import NBDProtocol
import NIOCore

// TLS on one connection: proto.md, "TLS support".
extension ConnectionHandler {
  /// What the machine is to make of STARTTLS.
  static func tlsPolicy(_ configuration: ServerConfiguration) -> TLSPolicy { .off }

  /// Puts TLS in front of this handler and calls ``ServerConnection/tlsEstablished()`` once it is
  /// established. Everything that was to be sent in the clear has been flushed.
  func startTLS(_ context: ChannelHandlerContext) {
    context.close(promise: nil)
  }
}
