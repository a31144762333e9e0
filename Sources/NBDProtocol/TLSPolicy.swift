/// What a server makes of STARTTLS (proto.md, "TLS support").
package enum TLSPolicy: Sendable {
  /// STARTTLS is refused with ERR_POLICY, and nothing is refused for want of TLS.
  case off
  /// Whoever asks for TLS gets it; it is needed for nothing.
  case on
  /// Everything but STARTTLS and ABORT is refused with ERR_TLS_REQD until TLS is established.
  case require
}
