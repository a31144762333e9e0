package import NBDProtocol
package import Remedies

/// Who may connect, and by what a server and its clients know each other.
package struct TLSSettings: Sendable {
  /// How the two sides prove who they are.
  package enum Credentials: Sendable, Equatable {
    /// The directory of `server-cert.pem` and `server-key.pem`, and of `ca-cert.pem` where clients
    /// have to have certificates, too: the layout of QEMU and nbdkit.
    case certificates(directory: String)
    /// A file of lines `user:key`, the key in hexadecimal digits, as GnuTLS' `psktool` writes it.
    case preSharedKeys(file: String)
  }

  package var policy: TLSPolicy
  package var credentials: Credentials
  /// Whether clients must have certificates that `ca-cert.pem` signed. Of no meaning with keys,
  /// which both sides always have.
  package var verifiesClients: Bool
  /// Of certificates the common name or an alternative name, of keys the user: who has none of
  /// these is turned away. Empty: whoever the credentials let in.
  package var allowedNames: Set<String>

  package init(
    policy: TLSPolicy, credentials: Credentials, verifiesClients: Bool = false,
    allowedNames: Set<String> = []
  ) {
    self.policy = policy
    self.credentials = credentials
    self.verifiesClients = verifiesClients || !allowedNames.isEmpty
    self.allowedNames = allowedNames
  }
}

/// Why the files of ``TLSSettings`` cannot be used.
package struct TLSError: RemediedError, CustomStringConvertible {
  /// The path of the file or directory.
  package let file: String
  /// What was expected and what was found.
  package let reason: String
  package let remedy: Remedy?
  package var cause: (any Error)? { nil }

  init(file: String, reason: String, remedy: Remedy? = nil) {
    self.file = file
    self.reason = reason
    self.remedy = remedy
  }

  package var description: String { "\(file): \(reason)" }
}
