import NIOSSL
import Synchronization

/// The user whose key was requested in a connection's TLS handshake.
final class PreSharedUser: Sendable {
  private struct Unknown: Error {}

  private struct State {
    /// The user whose key was used.
    var name: String?
    /// The requested user, if that user has no key.
    var unknown: String?
  }

  private let state = Mutex(State())

  var name: String? { state.withLock(\.name) }

  /// Explains why a TLS handshake with keys failed. Nil if BoringSSL's own message is good enough.
  func explanation(of error: any Error) -> String? {
    let (name, unknown) = state.withLock { ($0.name, $0.unknown) }
    switch TLSFailure.name(of: error) {
    case "PSK_IDENTITY_NOT_FOUND": return unknown.map { "there is no key for user '\($0)'" }
    case "BAD_DECRYPT", "DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "DIGEST_CHECK_FAILED":
      return name.map { "the client's key for '\($0)' differs from the server's" }
    case "UNSUPPORTED_PROTOCOL":
      return
        "the client does not offer TLS 1.2, which pre-shared keys need: enable it, in GnuTLS with "
        + "the priority NORMAL:-VERS-ALL:+VERS-TLS1.2:+ECDHE-PSK"
    case "NO_SHARED_CIPHER":
      return "the client offers no ECDHE-PSK cipher suite of TLS 1.2: give it a pre-shared key, "
        + "and in GnuTLS the priority NORMAL:+ECDHE-PSK"
    default: return nil
    }
  }

  /// Returns the key of the user that the client names.
  func answer(
    _ question: PSKServerContext, from keys: PreSharedKeys
  ) throws -> PSKServerIdentityResponse {
    let user = question.clientIdentity
    guard let key = keys.key(of: user) else {
      state.withLock { $0.unknown = user }
      throw Unknown()
    }
    state.withLock { $0.name = user }
    return PSKServerIdentityResponse(key: key)
  }
}
