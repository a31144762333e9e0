import NIOCore

// STARTTLS: proto.md, "TLS support". The driver performs the TLS handshake itself.
extension ServerConnection {
  /// Starts TLS. An attacker may have changed what was negotiated without encryption, so the
  /// connection resets it. Unencrypted bytes that follow the option must never count as part of the
  /// encrypted stream.
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

  /// Continues after ``Action/startTLS``. The driver calls this when the TLS handshake has
  /// succeeded, and closes the connection when it has failed. The handshake may still succeed after
  /// the connection has ended, because the client continues it while the server stops. The call
  /// then has no effect.
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
