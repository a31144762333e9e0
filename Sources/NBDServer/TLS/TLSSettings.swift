package import NBDProtocol
package import Remedies

/// Who may connect, and how the server and its clients prove their identity.
package struct TLSSettings: Sendable {
  /// How the two sides prove their identity.
  package enum Credentials: Sendable, Equatable {
    /// A directory with `server-cert.pem` and `server-key.pem`. If clients need certificates, it
    /// also has `ca-cert.pem`. QEMU and nbdkit use the same layout.
    case certificates(directory: String)
    /// A file with lines `user:key`, the key in hexadecimal digits, in the format of GnuTLS'
    /// `psktool`.
    case preSharedKeys(file: String)
  }

  package var policy: TLSPolicy
  package var credentials: Credentials
  /// Whether clients need a certificate that `ca-cert.pem` signed. Has no effect with keys, which
  /// both sides always need.
  package var verifiesClients: Bool
  /// The allowed names: with certificates, common or alternative names; with keys, users. Other
  /// clients are turned away. If empty, every client with valid credentials is allowed.
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
