import Administration
import ArgumentParser
package import NBDProtocol
import NBDServer

extension TLSPolicy: ExpressibleByArgument, CaseIterable {
  package static let allCases: [TLSPolicy] = [.off, .on, .require]

  package init?(argument: String) {
    guard let policy = Self.allCases.first(where: { $0.name == argument }) else { return nil }
    self = policy
  }

  package var defaultValueDescription: String { name }

  package static var allValueStrings: [String] { allCases.map(\.name) }
}

/// Who may connect, and whether what is sent is encrypted.
struct TLSOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Whether clients can or must use TLS.",
      discussion: """
        Default: require if --tls-certificates or --tls-psk is given, otherwise off. TLS 1.2 or 1.3 \
        with certificates, 1.2 with pre-shared keys.
        """,
      valueName: "off|on|require"))
  var tls: TLSPolicy?

  @Option(
    help: ArgumentHelp(
      "The directory of server-cert.pem and server-key.pem.",
      discussion: "It must also contain ca-cert.pem if clients must have certificates.",
      valueName: "directory"),
    completion: .directory)
  var tlsCertificates: String?

  @Flag(help: "Accept only clients with certificates signed by the CA in ca-cert.pem.")
  var tlsVerifyPeer = false

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Accept only clients with this name; can be repeated.",
      discussion: """
        The name is the common name of the certificate's subject or one of its subject \
        alternative names, which implies --tls-verify-peer; or the user name of a pre-shared \
        key.
        """,
      valueName: "name"))
  var tlsAllow: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file of pre-shared keys, one USER:HEXADECIMAL per line, instead of certificates.",
      discussion: "GnuTLS' 'psktool' creates such files.",
      valueName: "file"),
    completion: .file())
  var tlsPsk: String?

  mutating func validate() throws {
    for text in [tlsCertificates, tlsPsk].compactMap({ $0 }) + tlsAllow {
      try NameArgument.checkText(text)
    }
    let hasCredentials = tlsCertificates != nil || tlsPsk != nil
    if let tls, tls != .off, !hasCredentials {
      throw ValidationError(
        "--tls \(tls.name) needs --tls-certificates DIRECTORY or --tls-psk FILE.")
    }
    if tls == .off, hasCredentials {
      throw ValidationError("--tls off cannot be combined with certificates or keys.")
    }
    if tlsCertificates != nil, tlsPsk != nil {
      throw ValidationError("Only one of --tls-certificates and --tls-psk can be given.")
    }
    if tlsVerifyPeer, tlsCertificates == nil {
      throw ValidationError("--tls-verify-peer needs --tls-certificates.")
    }
    if !tlsAllow.isEmpty, !hasCredentials {
      throw ValidationError("--tls-allow needs --tls-certificates or --tls-psk.")
    }
    for (option, value) in [("certificates", tlsCertificates), ("psk", tlsPsk)] where value == "" {
      throw ValidationError("--tls-\(option) needs a path, found ''.")
    }
    if tlsAllow.contains("") { throw ValidationError("--tls-allow needs a name, found ''.") }
  }

  /// Nil where TLS is off.
  var settings: TLSSettings? {
    let credentials: TLSSettings.Credentials
    if let tlsCertificates {
      credentials = .certificates(directory: tlsCertificates)
    } else if let tlsPsk {
      credentials = .preSharedKeys(file: tlsPsk)
    } else {
      return nil
    }
    return TLSSettings(
      policy: tls ?? .require, credentials: credentials, verifiesClients: tlsVerifyPeer,
      allowedNames: Set(tlsAllow))
  }
}
