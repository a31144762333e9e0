import NIOSSL

/// Words for what goes wrong in the TLS library.
enum TLSFailure {
  /// What BoringSSL calls it, without the place in its sources.
  static func reason(of error: any Error) -> String {
    let stack: NIOBoringSSLErrorStack =
      switch error {
      case NIOSSLError.handshakeFailed(.sslError(let stack)): stack
      case BoringSSLError.sslError(let stack): stack
      case BoringSSLError.unknownError(let stack): stack
      default: []
      }
    guard let first = stack.first else { return String(describing: error) }
    if first == .eofDuringHandshake { return "the client left" }
    let words = first.description.split(separator: " at ").first ?? ""
    guard let name = words.split(separator: ":").last else { return String(describing: error) }
    return name.lowercased().replacing("_", with: " ")
  }
}
