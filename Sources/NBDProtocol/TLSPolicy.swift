/// How a server handles STARTTLS (proto.md, "TLS support").
package enum TLSPolicy: Sendable {
  /// STARTTLS is refused with ERR_POLICY. No option needs TLS.
  case off
  /// TLS is available, but no option needs it.
  case on
  /// Until TLS is established, every option except STARTTLS and ABORT is refused with ERR_TLS_REQD.
  case require
}
