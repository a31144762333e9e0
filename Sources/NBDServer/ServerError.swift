/// Why a server did not start.
package struct ServerError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable, Equatable {
    /// Another server listens there.
    case addressInUse
    /// Something that is not a socket is in the way.
    case notASocket
    /// The address cannot be used as it was written.
    case invalidAddress
    /// The system refused.
    case system
  }

  package let code: Code
  /// The address as a person would write it.
  package let address: String
  package let reason: String

  package var description: String { "cannot listen on \(address): \(reason)" }
}
