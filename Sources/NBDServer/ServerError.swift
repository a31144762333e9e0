/// Why a server could not start.
package struct ServerError: Error, Sendable, CustomStringConvertible {
  package enum Code: Sendable, Equatable {
    /// Another server listens on this address.
    case addressInUse
    /// The path exists, but is not a socket.
    case notASocket
    /// The address is not valid.
    case invalidAddress
    /// A system call failed.
    case system
  }

  package let code: Code
  /// The address in readable form.
  package let address: String
  package let reason: String

  package var description: String { "cannot listen on \(address): \(reason)" }
}
