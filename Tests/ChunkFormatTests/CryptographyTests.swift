import TestSupport
import Testing

@testable import ChunkFormat

/// Test vectors of the standards: another library must be able to read our repositories, and we its
/// repositories.
@Suite struct CryptographyTests {
  private static func id(
    _ bytes: [UInt8], key: SecretBytes? = nil, type: RecordType = .chunk
  ) throws -> String {
    try bytes.withBytes { try ContentHasher(idKey: key).id(of: $0, type: type) }.description
  }

  /// Examples of NIST for FIPS 180-4.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ]) func sha256(_ text: String, _ digest: String) throws {
    #expect(try Self.id(Array(text.utf8)) == digest)
    #expect(try FileDigest(of: Array(text.utf8)).description == digest)
  }

  /// RFC 4231, cases 1, 2 and 6.
  @Test(arguments: [
    (
      [UInt8](repeating: 0x0b, count: 20), "Hi There",
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    ),
    (
      Array("Jefe".utf8), "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    ),
    (
      [UInt8](repeating: 0xaa, count: 131),
      "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    ),
  ]) func hmac(_ key: [UInt8], _ text: String, _ code: String) throws {
    let hasher = try ContentHasher(idKey: Sample.secret(key))
    for _ in 0..<2 {
      // Twice, since the hasher restarts with the key that it keeps.
      let id = try Array(text.utf8).withBytes { try hasher.id(of: $0, type: .chunk) }
      #expect(id.description == code)
    }
  }

  /// RFC 5869, cases 1 and 3; only the first 32 bytes of each result.
  @Test(arguments: [
    (
      "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    ),
    ("", "", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"),
  ]) func hkdf(_ salt: String, _ information: String, _ key: String) throws {
    let derived = try KeyDerivation.hkdf(
      Sample.secret(0x0b, count: 22), salt: salt.hexadecimal, information: information.hexadecimal)
    #expect(derived.withUnsafeBytes { Hexadecimal.encode($0) } == key)
  }

  /// RFC 7914, section 12; only the first 32 bytes of each result.
  @Test(arguments: [
    (
      "", "", ScryptCost(logarithmOfN: 4, blockSize: 1, parallelism: 1),
      "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
    ),
    (
      "password", "NaCl", ScryptCost(logarithmOfN: 10, blockSize: 8, parallelism: 16),
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
    ),
  ]) func scrypt(_ passphrase: String, _ salt: String, _ cost: ScryptCost, _ key: String) throws {
    let derived = try KeyDerivation.scrypt(
      Sample.secret(passphrase), salt: Array(salt.utf8), cost: cost)
    #expect(derived.withUnsafeBytes { Hexadecimal.encode($0) } == key)
  }

  /// The result of an independent implementation: AESGCM of Python's `cryptography`.
  @Test func aesGCM() throws {
    let cipher = try AuthenticatedCipher()
    var sealed = Array("plaintext".utf8) + [UInt8](repeating: 0, count: 16)
    try sealed.withMutableBytes { bytes in
      try cipher.seal(
        UnsafeMutableRawBufferPointer(rebasing: bytes[..<9]),
        tag: UnsafeMutableRawBufferPointer(rebasing: bytes[9...]), key: Sample.secret(0x11),
        nonce: 0x0102_0304, binding: Array("bound".utf8))
    }
    #expect(sealed.hexadecimal == "222ebe7808c9dc9c3e5174e91ba2946bf321e88e92f58b8ffa")
  }

  /// The digits that `xxh128sum` prints: the high word first.
  @Test func xxh3() {
    #expect(
      Checksum(of: Array("abc".utf8)).encoded.reversed().hexadecimal
        == "06b05ab6733a618578af5f94892f3950")
  }

  /// No chunk has the id of a map node, whatever its length and content.
  @Test(arguments: [nil, Sample.secret(0x11)]) func mapNodesHaveIDsOfTheirOwn(
    _ key: SecretBytes?
  ) throws {
    let chunk = try Self.id(Array("abc".utf8), key: key).hexadecimal
    let node = try Self.id(Array("abc".utf8), key: key, type: .mapNode).hexadecimal
    #expect(node == chunk.map { ~$0 })
  }
}

extension SecretBytes: CustomTestStringConvertible {
  public var testDescription: String { "secret" }
}
