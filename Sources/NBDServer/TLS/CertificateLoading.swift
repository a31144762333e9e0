import Glibc
import NIOSSL
import Remedies

/// The certificates and the private key in a directory. Each file is checked by itself, so that an
/// error names the file.
struct CertificateLoading {
  private static let certificateName = "server-cert.pem"
  private static let keyName = "server-key.pem"
  private static let authorityName = "ca-cert.pem"
  private static let revocationName = "ca-crl.pem"

  private let directory: String
  /// The server's certificate, followed by the intermediate certificates up to its authority.
  let chain: [NIOSSLCertificate]
  let key: NIOSSLPrivateKey
  /// The authorities that sign clients' certificates. Empty if clients need no certificate.
  let authorities: [NIOSSLCertificate]
  let warnings: [String]

  /// Reads and checks the files.
  ///
  /// - Throws: ``TLSError``. Blocks.
  init(directory: String, verifiesClients: Bool) throws(TLSError) {
    func path(_ name: String) -> String { "\(directory)/\(name)" }
    self.directory = directory
    var status = stat()
    guard stat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw TLSError(
        file: directory,
        reason: "there is no such directory; expected one with \(Self.certificateName) and "
          + "\(Self.keyName)")
    }
    chain = try Self.certificates(path(Self.certificateName))
    let keyFile = try TLSFile(path(Self.keyName))
    key = try Self.privateKey(keyFile)
    authorities = verifiesClients ? try Self.certificates(path(Self.authorityName)) : []
    if verifiesClients, access(path(Self.revocationName), F_OK) == 0 {
      throw TLSError(
        file: path(Self.revocationName), reason: "revocation lists are not supported",
        remedy: .nameClients)
    }
    warnings =
      (keyFile.warning.map { [$0] } ?? [])
      + chain.compactMap {
        Self.warning(of: $0, in: path(Self.certificateName), "clients will refuse it")
      }
      + authorities.compactMap {
        Self.warning(
          of: $0, in: path(Self.authorityName),
          "clients with certificates signed by it will be refused")
      }
  }

  /// Returns a warning for a certificate that is not valid now.
  private static func warning(
    of certificate: NIOSSLCertificate, in file: String, _ consequence: String
  ) -> String? {
    let now = time(nil)
    let owner = (try? certificate.toDERBytes()).flatMap { X509Certificate(encoded: $0)?.owner }
    let whose = "\(file): the certificate of \(owner ?? "an unnamed owner")"
    if certificate.notValidAfter < now {
      return "\(whose) expired on \(TLSFailure.text(of: certificate.notValidAfter)); \(consequence)"
    }
    if certificate.notValidBefore > now {
      return "\(whose) is not valid before \(TLSFailure.text(of: certificate.notValidBefore)); "
        + "until then \(consequence)"
    }
    return nil
  }

  /// Creates the TLS context.
  ///
  /// - Throws: ``TLSError`` if the key does not belong to the certificate.
  func context(_ configuration: TLSConfiguration) throws(TLSError) -> NIOSSLContext {
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch NIOSSLError.failedToLoadPrivateKey {
      throw TLSError(
        file: "\(directory)/\(Self.keyName)",
        reason: "it does not belong to the certificate in \(Self.certificateName)")
    } catch {
      throw TLSError(
        file: "\(directory)/\(Self.certificateName)",
        reason: "it cannot be used: \(TLSFailure.reason(of: error))")
    }
  }

  private static func certificates(_ path: String) throws(TLSError) -> [NIOSSLCertificate] {
    let file = try TLSFile(path)
    do {
      return try NIOSSLCertificate.fromPEMBytes(file.bytes)
    } catch {
      throw TLSError(
        file: path,
        reason: "it contains no certificate; expected PEM, with a line "
          + "-----BEGIN CERTIFICATE-----")
    }
  }

  private static func privateKey(_ file: TLSFile) throws(TLSError) -> NIOSSLPrivateKey {
    guard !file.text.contains("ENCRYPTED") else {
      throw TLSError(
        file: file.path,
        reason: "the key is encrypted with a passphrase; remove the passphrase with "
          + "'openssl pkey -in OLD -out NEW', and let only the server's user read the new file")
    }
    do {
      return try NIOSSLPrivateKey(bytes: file.bytes, format: .pem)
    } catch {
      throw TLSError(
        file: file.path,
        reason: "it contains no private key; expected PEM, with a line "
          + "-----BEGIN PRIVATE KEY-----")
    }
  }
}
