/// The two secrets of an encrypted repository, both random, both 256 bits (format, "Keys").
///
/// They are separate so that a client can have only the id key: it can then deduplicate, but not
/// read.
package struct RepositoryKeys: Sendable {
  static let keyBytes = 32

  /// The key of the hash that makes content ids.
  package let idKey: SecretBytes
  /// The key of every sealed file is derived from this one.
  package let dataKey: SecretBytes

  package init(idKey: SecretBytes, dataKey: SecretBytes) {
    precondition(idKey.count == Self.keyBytes && dataKey.count == Self.keyBytes)
    self.idKey = idKey
    self.dataKey = dataKey
  }

  /// Keys for a new repository.
  package static func generate() throws(FormatError) -> RepositoryKeys {
    RepositoryKeys(
      idKey: try .random(count: keyBytes), dataKey: try .random(count: keyBytes))
  }

  /// The key of one file, from the salt in its header.
  func fileKey(salt: [UInt8], kind: RepositoryFileKind) throws(FormatError) -> SecretBytes {
    try KeyDerivation.hkdf(dataKey, salt: salt, purpose: kind.purpose)
  }
}

internal import CCrypto

/// Keys made from other secrets (format, "Keys").
enum KeyDerivation {
  /// Every derived key is 256 bits long.
  static let keyBytes = 32

  /// One key for one purpose and one salt, by HKDF.
  static func hkdf(
    _ secret: SecretBytes, salt: [UInt8], purpose: String
  ) throws(FormatError) -> SecretBytes {
    try hkdf(secret, salt: salt, information: Array("varve v1 \(purpose)".utf8))
  }

  /// HKDF-SHA-256 (RFC 5869).
  static func hkdf(
    _ secret: SecretBytes, salt: [UInt8], information: [UInt8]
  ) throws(FormatError) -> SecretBytes {
    try derive(Primitives.hkdf, what: "HKDF") { parameters in
      parameters.text(OSSL_KDF_PARAM_DIGEST, "SHA256")
      parameters.secret(OSSL_KDF_PARAM_KEY, secret)
      parameters.bytes(OSSL_KDF_PARAM_SALT, salt)
      parameters.bytes(OSSL_KDF_PARAM_INFO, information)
    }
  }

  /// scrypt (RFC 7914): a key from a passphrase.
  static func scrypt(
    _ passphrase: SecretBytes, salt: [UInt8], cost: ScryptCost
  ) throws(FormatError) -> SecretBytes {
    try derive(Primitives.scrypt, what: "scrypt") { parameters in
      parameters.secret(OSSL_KDF_PARAM_PASSWORD, passphrase)
      parameters.bytes(OSSL_KDF_PARAM_SALT, salt)
      parameters.number(OSSL_KDF_PARAM_SCRYPT_N, cost.iterations)
      parameters.number(OSSL_KDF_PARAM_SCRYPT_R, UInt64(cost.blockSize))
      parameters.number(OSSL_KDF_PARAM_SCRYPT_P, UInt64(cost.parallelism))
      parameters.number(OSSL_KDF_PARAM_SCRYPT_MAXMEM, ScryptCost.maximumMemoryBytes * 2)
    }
  }

  private static func derive(
    _ function: OpaquePointer?, what: String, _ describe: (ParameterList) -> Void
  ) throws(FormatError) -> SecretBytes {
    guard let context = EVP_KDF_CTX_new(function) else {
      throw .cryptography("key", "EVP_KDF_CTX_new for \(what)")
    }
    defer { EVP_KDF_CTX_free(context) }
    let parameters = ParameterList()
    describe(parameters)
    return try SecretBytes(count: keyBytes) { output throws(FormatError) in
      let bytes = output.assumingMemoryBound(to: UInt8.self).baseAddress
      guard EVP_KDF_derive(context, bytes, output.count, parameters.terminated()) == 1 else {
        throw .cryptography("key", "EVP_KDF_derive for \(what)")
      }
    }
  }
}

/// The work that scrypt needs for each passphrase that is tried.
package struct ScryptCost: Equatable, Sendable {
  /// The most memory that a key slot may require; a slot that requires more is refused.
  static let maximumMemoryBytes: UInt64 = 256 << 20
  /// The highest N · r · p that a key slot may require: four times ``standard``.
  static let maximumWork: UInt64 = 1 << 21

  /// Binary logarithm of N.
  package var logarithmOfN: UInt8
  package var blockSize: UInt32
  package var parallelism: UInt32

  /// 64 MiB of memory, and about 0.2 s on a processor core of 2023.
  package static let standard = ScryptCost(logarithmOfN: 16, blockSize: 8, parallelism: 1)
  /// For tests, where a passphrase protects nothing.
  package static let minimal = ScryptCost(logarithmOfN: 4, blockSize: 8, parallelism: 1)

  /// The cost in a key slot that does not use scrypt, such as one for a key file: zeros.
  static let none = ScryptCost(logarithmOfN: 0, blockSize: 0, parallelism: 0)

  var iterations: UInt64 { 1 << UInt64(logarithmOfN) }

  /// N · r · p; the time is proportional to this number. Only for acceptable costs: the product of
  /// others may overflow.
  var work: UInt64 { iterations * UInt64(blockSize) * UInt64(parallelism) }

  /// Whether the cost is within the limits of memory and time.
  var isAcceptable: Bool {
    // RFC 7914, section 6, demands that N be less than 2^(16 r).
    guard 1...24 ~= logarithmOfN, 1...64 ~= blockSize, 1...16 ~= parallelism,
      UInt32(logarithmOfN) < 16 * blockSize
    else { return false }
    return 128 * iterations * UInt64(blockSize) <= Self.maximumMemoryBytes
      && work <= Self.maximumWork
  }
}

extension ScryptCost: CustomStringConvertible {
  package var description: String {
    "scrypt with N 2^\(logarithmOfN), r \(blockSize), p \(parallelism)"
  }
}

/// OSSL_PARAM entries together with the memory they point to.
private final class ParameterList {
  private var entries: [OSSL_PARAM] = []
  private var owned: [UnsafeMutableRawBufferPointer] = []
  private var borrowed: [SecretBytes] = []

  deinit {
    for buffer in owned {
      buffer.deallocate()
    }
  }

  func text(_ name: String, _ value: String) {
    let copy = own(Array(value.utf8CString).map(UInt8.init(bitPattern:)))
    entries.append(
      OSSL_PARAM_construct_utf8_string(
        own(name), copy.assumingMemoryBound(to: CChar.self).baseAddress, 0))
  }

  func bytes(_ name: String, _ value: [UInt8]) {
    let copy = own(value)
    entries.append(OSSL_PARAM_construct_octet_string(own(name), copy.baseAddress, value.count))
  }

  func secret(_ name: String, _ value: SecretBytes) {
    borrowed.append(value)
    value.withUnsafeBytes {
      entries.append(
        OSSL_PARAM_construct_octet_string(
          own(name), UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count))
    }
  }

  func number(_ name: String, _ value: UInt64) {
    let copy = own(withUnsafeBytes(of: value) { Array($0) })
    entries.append(
      OSSL_PARAM_construct_uint64(
        own(name), copy.assumingMemoryBound(to: UInt64.self).baseAddress))
  }

  /// The list as OpenSSL reads it.
  func terminated() -> [OSSL_PARAM] { entries + [OSSL_PARAM_construct_end()] }

  private func own(_ name: String) -> UnsafePointer<CChar>? {
    let copy = own(Array(name.utf8CString).map(UInt8.init(bitPattern:)))
    return UnsafePointer(copy.assumingMemoryBound(to: CChar.self).baseAddress)
  }

  private func own(_ value: [UInt8]) -> UnsafeMutableRawBufferPointer {
    // One byte more than needed, so that an empty value also has an address.
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: value.count + 1, alignment: 8)
    copy.copyBytes(from: value)
    owned.append(copy)
    return copy
  }
}
