import NIOCore

// STARTTLS: proto.md, "TLS support". The TLS handshake itself is the driver's.
extension ServerConnection {
  /// What was agreed in the clear may have been someone else's doing, so it is forgotten; and what
  /// has come in the clear behind the option must never pass for something said in private.
  mutating func startTLS() -> Step {
    guard tls != .off else {
      output.writeOptionError(.policy, to: .startTLS, message: "TLS is off on this server")
      return .again
    }
    guard !isSecure else {
      output.writeOptionError(.invalid, to: .startTLS, message: "TLS is established already")
      return .again
    }
    guard input.readableBytes == 0 else { return abandonPlaintext() }
    style = .simple
    selection = nil
    output.writeAcknowledgement(of: .startTLS)
    phase = .startingTLS
    return .again
  }

  /// To be called when the TLS handshake that ``Action/startTLS`` asked for has succeeded; when it
  /// fails, the connection is to be closed. A handshake may also succeed after the connection has
  /// ended, since the client goes on with it while the server stops: that changes nothing.
  package mutating func tlsEstablished() {
    guard case .establishingTLS = phase, input.readableBytes == 0 else { return }
    isSecure = true
    phase = .option
  }

  mutating func stepTLS() -> Step {
    guard input.readableBytes == 0 else { return abandonPlaintext() }
    guard case .startingTLS = phase else { return .starved }
    phase = .establishingTLS
    return .act(.startTLS)
  }

  private mutating func abandonPlaintext() -> Step {
    abandon("bytes in the clear follow STARTTLS")
  }
}
