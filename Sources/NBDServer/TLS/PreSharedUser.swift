import NIOSSL
import Synchronization

/// The user whose key a connection's handshake asked for.
final class PreSharedUser: Sendable {
  private struct Unknown: Error {}

  private let state = Mutex<String?>(nil)

  var name: String? { state.withLock { $0 } }

  /// The key of the user that a client says it is.
  func answer(
    _ question: PSKServerContext, from keys: PreSharedKeys
  ) throws -> PSKServerIdentityResponse {
    guard let key = keys.key(of: question.clientIdentity) else { throw Unknown() }
    state.withLock { $0 = question.clientIdentity }
    return PSKServerIdentityResponse(key: key)
  }
}
