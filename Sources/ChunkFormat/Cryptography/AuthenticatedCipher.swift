internal import CCrypto

/// AES-256-GCM (NIST SP 800-38D). One cipher serves one thread, with any number of keys.
///
/// The nonce is a 32-bit number that the caller uses at most once per key. Every key of the format
/// is derived from a random salt, so each file can count from zero.
final class AuthenticatedCipher {
  /// Length of the tag that sealing adds to a run of bytes.
  static let tagBytes = 16

  private let context: OpaquePointer

  init() throws(FormatError) {
    guard let context = EVP_CIPHER_CTX_new() else {
      throw .cryptography("cipher", "EVP_CIPHER_CTX_new")
    }
    self.context = context
  }

  deinit { EVP_CIPHER_CTX_free(context) }

  /// Encrypts `bytes`, fewer than 2 GiB, in place, and writes their tag to `tag`, 16 bytes. The tag
  /// covers `additional`, too.
  func seal(
    _ bytes: UnsafeMutableRawBufferPointer, tag: UnsafeMutableRawBufferPointer, key: SecretBytes,
    nonce: UInt32, binding additional: [UInt8]
  ) throws(FormatError) {
    let octets = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
    let count = try Self.length(bytes.count)
    var length: Int32 = 0
    let done =
      begin(EVP_EncryptInit_ex2, key: key, nonce: nonce)
      && EVP_EncryptUpdate(context, nil, &length, additional, Int32(additional.count)) == 1
      && EVP_EncryptUpdate(context, octets, &length, octets, count) == 1
      && EVP_EncryptFinal_ex(context, nil, &length) == 1
      && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagBytes), tag.baseAddress)
        == 1
    guard done else { throw .cryptography("seal", "EVP_EncryptUpdate") }
  }

  /// Decrypts `bytes` into `output`, which has the same length.
  ///
  /// - Returns: whether the tag matches these bytes and `additional` under this key. If it does
  ///   not, the content of `output` must not be used.
  func open(
    _ bytes: UnsafeRawBufferPointer, tag: UnsafeRawBufferPointer, key: SecretBytes, nonce: UInt32,
    binding additional: [UInt8], into output: UnsafeMutableRawBufferPointer
  ) throws(FormatError) -> Bool {
    let count = try Self.length(bytes.count)
    var length: Int32 = 0
    let prepared =
      begin(EVP_DecryptInit_ex2, key: key, nonce: nonce)
      && EVP_DecryptUpdate(context, nil, &length, additional, Int32(additional.count)) == 1
      && EVP_DecryptUpdate(
        context, output.assumingMemoryBound(to: UInt8.self).baseAddress, &length,
        bytes.assumingMemoryBound(to: UInt8.self).baseAddress, count) == 1
      && EVP_CIPHER_CTX_ctrl(
        context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagBytes),
        UnsafeMutableRawPointer(mutating: tag.baseAddress)) == 1
    guard prepared else { throw .cryptography("seal", "EVP_DecryptUpdate") }
    return EVP_DecryptFinal_ex(context, nil, &length) == 1
  }

  /// OpenSSL takes lengths of at most 31 bits.
  private static func length(_ count: Int) throws(FormatError) -> Int32 {
    guard let length = Int32(exactly: count) else {
      throw .corrupt("seal", expected: "fewer than 2 GiB", found: "\(count) bytes")
    }
    return length
  }

  private typealias Initialiser = (
    OpaquePointer?, OpaquePointer?, UnsafePointer<UInt8>?, UnsafePointer<UInt8>?,
    UnsafePointer<OSSL_PARAM>?
  ) -> Int32

  private func begin(_ initialise: Initialiser, key: SecretBytes, nonce: UInt32) -> Bool {
    // The number in little-endian, then zeros.
    var initial: (UInt32, UInt32, UInt32) = (nonce.littleEndian, 0, 0)
    return withUnsafeBytes(of: &initial) { initial in
      key.withUnsafeBytes { key in
        initialise(
          context, Primitives.aes256GCM, key.assumingMemoryBound(to: UInt8.self).baseAddress,
          initial.assumingMemoryBound(to: UInt8.self).baseAddress, nil) == 1
      }
    }
  }
}
