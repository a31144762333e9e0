import CCrypto
import Glibc

/// Explains why a client's certificate is refused. BoringSSL refuses it without a reason, so
/// OpenSSL verifies it a second time (X509_verify_cert(3)).
enum CertificateVerdict {
  /// Verifies the certificate with OpenSSL.
  ///
  /// - Parameters:
  ///   - certificate: the client's certificate, in DER.
  ///   - authorities: the authorities that the server trusts, in DER.
  /// - Returns: the owner of the certificate and the fault; nil if OpenSSL finds none.
  static func reason(against certificate: [UInt8], authorities: [[UInt8]]) -> String? {
    guard let leaf = X509Certificate(encoded: certificate), let store = X509_STORE_new() else {
      return nil
    }
    defer { X509_STORE_free(store) }
    for authority in authorities.compactMap({ X509Certificate(encoded: $0) }) {
      X509_STORE_add_cert(store, authority.pointer)
    }
    guard let context = X509_STORE_CTX_new() else { return nil }
    defer { X509_STORE_CTX_free(context) }
    guard X509_STORE_CTX_init(context, store, leaf.pointer, nil) == 1,
      X509_STORE_CTX_set_default(context, "ssl_client") == 1,
      X509_verify_cert(context) != 1
    else { return nil }
    return words(for: context, leaf)
  }

  private static func words(for context: OpaquePointer, _ leaf: X509Certificate) -> String {
    let error = X509_STORE_CTX_get_error(context)
    let isLeaf = X509_STORE_CTX_get_error_depth(context) == 0
    guard let current = X509_STORE_CTX_get_current_cert(context) else {
      return "the certificate of \(leaf.owner): \(text(of: error))"
    }
    let owner =
      isLeaf
      ? leaf.owner
      : "\(X509Certificate.owner(of: current)), in the chain of \(leaf.owner),"
    switch error {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "the certificate of \(owner) expired on \(moment(X509_get0_notAfter(current)))"
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the certificate of \(owner) is not valid before "
        + "\(moment(X509_get0_notBefore(current))); check the clocks of both machines"
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate of \(owner) is not signed by an authority in ca-cert.pem"
    default: return "the certificate of \(owner): \(text(of: error))"
    }
  }

  private static func text(of error: Int32) -> String {
    X509_verify_cert_error_string(Int(error)).map { String(cString: $0) } ?? "error \(error)"
  }

  private static func moment(_ time: UnsafePointer<ASN1_TIME>?) -> String {
    var civil = tm()
    guard let time, ASN1_TIME_to_tm(time, &civil) == 1 else { return "an unreadable date" }
    return TLSFailure.text(of: civil)
  }
}

/// A certificate in OpenSSL's form.
final class X509Certificate {
  let pointer: OpaquePointer

  /// Decodes a certificate.
  ///
  /// - Parameter encoded: the certificate in DER.
  /// - Returns: nil for anything else.
  init?(encoded: [UInt8]) {
    let certificate = encoded.withUnsafeBufferPointer {
      var next = $0.baseAddress
      return d2i_X509(nil, &next, $0.count)
    }
    guard let certificate else { return nil }
    pointer = certificate
  }

  deinit { X509_free(pointer) }

  /// The owner's name in quotation marks, or `somebody without a name` if there is no name.
  var owner: String { Self.owner(of: pointer) }

  static func owner(of certificate: OpaquePointer) -> String {
    CertificateNames(of: certificate).all.first.map { "'\($0)'" } ?? "an unnamed owner"
  }
}
