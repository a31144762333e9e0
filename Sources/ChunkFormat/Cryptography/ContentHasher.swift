internal import CCrypto

/// The kind of content of a record; part of the record and, for map nodes, of the id.
package enum RecordType: UInt8, Sendable {
  /// A piece of a volume, or of an attachment.
  case chunk = 1
  /// A ``MapNode``.
  case mapNode = 2

  /// The kind of pack that holds such records.
  var pack: RepositoryFileKind {
    switch self {
    case .chunk: .dataPack
    case .mapNode: .mapPack
    }
  }
}

/// Computes ids: SHA-256, or HMAC-SHA-256 under the repository's id key (format, "Ids").
///
/// The id of a map node is the complement of the hash. To write a chunk with the id of a node, a
/// guest would have to invert SHA-256. A prefix before the hashed bytes would not prevent this: the
/// last chunk of a volume can have any length, and can begin with the prefix. One hasher serves one
/// thread.
package final class ContentHasher {
  private let digest: OpaquePointer
  /// The keyed state, restarted for every id; nil in a repository without encryption.
  private let keyed: OpaquePointer?

  /// - Parameter idKey: the key of an encrypted repository, 32 bytes; nil for plain SHA-256.
  package init(idKey: SecretBytes?) throws(FormatError) {
    guard let digest = EVP_MD_CTX_new() else { throw .cryptography("id", "EVP_MD_CTX_new") }
    do throws(FormatError) {
      keyed = try idKey.map { key throws(FormatError) in try Self.makeKeyed(key) }
    } catch {
      EVP_MD_CTX_free(digest)
      throw error
    }
    self.digest = digest
  }

  deinit {
    EVP_MD_CTX_free(digest)
    EVP_MAC_CTX_free(keyed)
  }

  /// The id of `plaintext` as a record of `type`.
  package func id(
    of plaintext: UnsafeRawBufferPointer, type: RecordType
  ) throws(FormatError) -> ContentID {
    let id =
      if let keyed { try authenticated(plaintext, keyed: keyed) } else { try hashed(plaintext) }
    return switch type {
    case .chunk: id
    case .mapNode: id.complement
    }
  }

  /// The id of `plaintext` as a record of `type`.
  package func id(of plaintext: [UInt8], type: RecordType) throws(FormatError) -> ContentID {
    try plaintext.withBytes { bytes throws(FormatError) in try id(of: bytes, type: type) }
  }

  private func hashed(_ plaintext: UnsafeRawBufferPointer) throws(FormatError) -> ContentID {
    var output = Self.emptyOutput
    let done = withUnsafeMutableBytes(of: &output) { output in
      EVP_DigestInit_ex2(digest, Primitives.sha256, nil) == 1
        && EVP_DigestUpdate(digest, plaintext.baseAddress, plaintext.count) == 1
        && EVP_DigestFinal_ex(digest, output.assumingMemoryBound(to: UInt8.self).baseAddress, nil)
          == 1
    }
    guard done else { throw .cryptography("id", "EVP_DigestUpdate") }
    return withUnsafeBytes(of: &output) { ContentID($0) }
  }

  private func authenticated(
    _ plaintext: UnsafeRawBufferPointer, keyed: OpaquePointer
  ) throws(FormatError) -> ContentID {
    var output = Self.emptyOutput
    // Without a key, the call restarts the context with the key that it already has.
    let done = withUnsafeMutableBytes(of: &output) { output in
      let bytes = output.assumingMemoryBound(to: UInt8.self).baseAddress
      var length = 0
      return EVP_MAC_init(keyed, nil, 0, nil) == 1
        && EVP_MAC_update(
          keyed, plaintext.assumingMemoryBound(to: UInt8.self).baseAddress, plaintext.count) == 1
        && EVP_MAC_final(keyed, bytes, &length, ContentID.lengthBytes) == 1
    }
    guard done else { throw .cryptography("id", "EVP_MAC_update") }
    return withUnsafeBytes(of: &output) { ContentID($0) }
  }

  private static let emptyOutput: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  private static func makeKeyed(_ key: SecretBytes) throws(FormatError) -> OpaquePointer {
    guard let context = EVP_MAC_CTX_new(Primitives.hmac) else {
      throw .cryptography("id", "EVP_MAC_CTX_new")
    }
    var name = Array("SHA256".utf8CString)
    let done = name.withUnsafeMutableBufferPointer { name in
      let parameters = [
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.baseAddress, 0),
        OSSL_PARAM_construct_end(),
      ]
      return key.withUnsafeBytes {
        EVP_MAC_init(
          context, $0.assumingMemoryBound(to: UInt8.self).baseAddress, $0.count, parameters) == 1
      }
    }
    guard done else {
      EVP_MAC_CTX_free(context)
      throw .cryptography("id", "EVP_MAC_init")
    }
    return context
  }
}

/// OpenSSL's algorithms, fetched once: fetching by name costs more than hashing a small record.
enum Primitives {
  // Reference-counted, immutable objects of OpenSSL; they live as long as the process.
  nonisolated(unsafe) static let sha256 = EVP_MD_fetch(nil, "SHA256", nil)
  nonisolated(unsafe) static let hmac = EVP_MAC_fetch(nil, "HMAC", nil)
  nonisolated(unsafe) static let hkdf = EVP_KDF_fetch(nil, "HKDF", nil)
  nonisolated(unsafe) static let scrypt = EVP_KDF_fetch(nil, "SCRYPT", nil)
  nonisolated(unsafe) static let aes256GCM = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
}
