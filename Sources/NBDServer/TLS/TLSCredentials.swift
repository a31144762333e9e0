import Glibc
import NIOCore
import NIOSSL

/// The credentials of a server, as read from their files.
struct TLSCredentials: Sendable {
  private enum Keys: Sendable {
    /// The TLS context, and the authorities that sign clients' certificates, in DER.
    case certificate(NIOSSLContext, authorities: [[UInt8]])
    case preShared(PreSharedKeys)
  }

  /// How long the other side may take to end the TLS session. After that the connection is closed.
  private static let closingLimit = TimeAmount.milliseconds(500)
  /// Suites for TLS 1.2 with forward secrecy and authenticated encryption. TLS 1.3 has no others.
  private static let cipherSuites = "ECDH+AESGCM:ECDH+CHACHA20"
  /// Suites with forward secrecy. Only one of them has authenticated encryption, and not every
  /// client supports it. BoringSSL supports pre-shared keys of this kind only in TLS 1.2.
  private static let preSharedCipherSuites =
    "ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES256-CBC-SHA:ECDHE-PSK-AES128-CBC-SHA"

  private let keys: Keys
  /// Warnings for the administrator.
  let warnings: [String]

  /// Reads the files. Blocks.
  ///
  /// - Throws: ``TLSError``.
  init(_ settings: TLSSettings) throws(TLSError) {
    switch settings.credentials {
    case .certificates(let directory):
      let loading = try CertificateLoading(
        directory: directory, verifiesClients: settings.verifiesClients)
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: loading.chain.map { .certificate($0) },
        privateKey: .privateKey(loading.key))
      if !loading.authorities.isEmpty {
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates(loading.authorities)
        configuration.sendCANameList = true
      }
      configuration.minimumTLSVersion = .tlsv12
      configuration.cipherSuites = Self.cipherSuites
      configuration.shutdownTimeout = Self.closingLimit
      keys = .certificate(
        try loading.context(configuration),
        authorities: loading.authorities.compactMap { try? $0.toDERBytes() })
      warnings = loading.warnings
    case .preSharedKeys(let path):
      let file = try TLSFile(path)
      keys = .preShared(try PreSharedKeys(file))
      warnings = file.warning.map { [$0] } ?? []
    }
  }

  /// The users that have a key. Empty with certificates.
  var users: [String] {
    if case .preShared(let keys) = keys { keys.users } else { [] }
  }

  /// Creates the TLS session of one connection.
  func makeSession() throws -> TLSSession {
    switch keys {
    case .certificate(let context, let authorities):
      return TLSSession(
        handler: Self.handler(context),
        names: { handler in
          guard let certificate = handler.peerCertificate else { return [] }
          return CertificateNames(of: try certificate.toDERBytes()).all
        },
        explanation: { Self.certificateExplanation(of: $0, authorities, $1) })
    case .preShared(let keys):
      // BoringSSL asks for the key during the handshake, but does not report the user afterwards.
      // Therefore each connection has its own context. That is cheap without certificates.
      let user = PreSharedUser()
      var configuration = TLSConfiguration.makePreSharedKeyConfiguration()
      configuration.pskServerProvider = { try user.answer($0, from: keys) }
      configuration.minimumTLSVersion = .tlsv12
      configuration.maximumTLSVersion = .tlsv12
      configuration.cipherSuites = Self.preSharedCipherSuites
      configuration.shutdownTimeout = Self.closingLimit
      let context = try NIOSSLContext(configuration: configuration)
      return TLSSession(
        handler: Self.handler(context), names: { _ in user.name.map { [$0] } ?? [] },
        explanation: { error, _ in user.explanation(of: error) })
    }
  }

  private static func certificateExplanation(
    of error: any Error, _ authorities: [[UInt8]], _ handler: NIOSSLServerHandler
  ) -> String? {
    switch TLSFailure.name(of: error) {
    case "CERTIFICATE_VERIFY_FAILED":
      guard let certificate = try? handler.peerCertificate?.toDERBytes() else { return nil }
      return CertificateVerdict.reason(against: certificate, authorities: authorities)
    case "PEER_DID_NOT_RETURN_A_CERTIFICATE":
      return "the client sent no certificate; it needs one signed by an authority in ca-cert.pem"
    case "UNSUPPORTED_PROTOCOL":
      return "the client supports neither TLS 1.2 nor 1.3, which this server needs"
    case "NO_SHARED_CIPHER":
      return
        "the client offers no cipher suite for certificates; it may use a pre-shared key, which "
        + "this server does not accept"
    default: return nil
    }
  }

  private static func handler(_ context: NIOSSLContext) -> NIOSSLServerHandler {
    var configuration = NIOSSLHandler.Configuration()
    // A connection that was busy once does not keep a large buffer.
    configuration.maximumPreservedOutboundBufferCapacity = 64 << 10
    return NIOSSLServerHandler(context: context, configuration: configuration)
  }
}

/// The TLS session of one connection. Use it only on the connection's event loop.
struct TLSSession {
  /// Encrypts and decrypts. It is the first handler of the pipeline.
  let handler: NIOSSLServerHandler
  private let names: (NIOSSLServerHandler) throws -> [String]
  private let explanation: (any Error, NIOSSLServerHandler) -> String?

  init(
    handler: NIOSSLServerHandler, names: @escaping (NIOSSLServerHandler) throws -> [String],
    explanation: @escaping (any Error, NIOSSLServerHandler) -> String?
  ) {
    self.handler = handler
    self.names = names
    self.explanation = explanation
  }

  /// Explains why the TLS handshake failed, with the certificate or key concerned if it is known.
  func reason(of error: any Error) -> String {
    explanation(error, handler) ?? TLSFailure.reason(of: error)
  }

  /// Returns the names that the client proved, the usual name first. Empty if the client did not
  /// have to prove a name. Valid after the TLS handshake.
  func peerNames() throws -> [String] { try names(handler) }
}
