import CCrypto
import Glibc

/// The names of a certificate's owner: the common name of the subject, then those alternative names
/// (RFC 5280, 4.2.1.6) that are DNS names, addresses, e-mail addresses or URIs.
struct CertificateNames {
  private(set) var all: [String] = []

  /// Reads the names from an encoded certificate.
  ///
  /// - Parameter encoded: a certificate in DER.
  init(of encoded: [UInt8]) {
    guard let certificate = X509Certificate(encoded: encoded) else { return }
    addCommonName(of: certificate.pointer)
    addAlternativeNames(of: certificate.pointer)
  }

  /// Reads the names from a decoded certificate.
  ///
  /// - Parameter certificate: an `X509` of OpenSSL.
  init(of certificate: OpaquePointer) {
    addCommonName(of: certificate)
    addAlternativeNames(of: certificate)
  }

  /// Adds the common name. If there are several, the last one is the most specific.
  private mutating func addCommonName(of certificate: OpaquePointer) {
    guard let subject = X509_get_subject_name(certificate) else { return }
    var last: Int32 = -1
    while true {
      let next = X509_NAME_get_index_by_NID(subject, NID_commonName, last)
      guard next >= 0 else { break }
      last = next
    }
    guard last >= 0, let entry = X509_NAME_get_entry(subject, last),
      let value = X509_NAME_ENTRY_get_data(entry)
    else { return }
    var text: UnsafeMutablePointer<UInt8>?
    let length = ASN1_STRING_to_UTF8(&text, value)
    guard let text, length >= 0 else { return }
    defer { CRYPTO_free(text, nil, 0) }
    add(UnsafeBufferPointer(start: text, count: Int(length)))
  }

  private mutating func addAlternativeNames(of certificate: OpaquePointer) {
    guard let names = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return }
    let stack = OpaquePointer(names)
    defer { GENERAL_NAMES_free(stack) }
    for index in 0..<OPENSSL_sk_num(stack) {
      guard let item = OPENSSL_sk_value(stack, index) else { continue }
      let name = item.assumingMemoryBound(to: GENERAL_NAME.self)
      var type: Int32 = 0
      guard let value = GENERAL_NAME_get0_value(name, &type),
        [GEN_DNS, GEN_EMAIL, GEN_URI, GEN_IPADD].contains(type)
      else { continue }
      let string = value.assumingMemoryBound(to: ASN1_STRING.self)
      let bytes = UnsafeBufferPointer(
        start: ASN1_STRING_get0_data(string), count: Int(ASN1_STRING_length(string)))
      if type == GEN_IPADD { addAddress(bytes) } else { add(bytes) }
    }
  }

  /// Adds a name. Skips a name with a zero byte, because it could pass for another name.
  private mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard !bytes.isEmpty, !bytes.contains(0) else { return }
    let name = String(decoding: bytes, as: UTF8.self)
    if !all.contains(name) { all.append(name) }
  }

  private mutating func addAddress(_ bytes: UnsafeBufferPointer<UInt8>) {
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard [4, 16].contains(bytes.count) else { return }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(family, bytes.baseAddress, &text, socklen_t(text.count)) != nil else { return }
    let name = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    if !all.contains(name) { all.append(name) }
  }
}
