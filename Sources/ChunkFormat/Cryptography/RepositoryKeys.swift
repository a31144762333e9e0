/// The two secrets of an encrypted repository, both random, both 256 bits (format, "Keys").
///
/// They are apart so that a client may know the first, and deduplicate, without the second, and
/// read.
package struct RepositoryKeys: Sendable {
  static let keyBytes = 32

  /// Makes ids of contents.
  package let idKey: SecretBytes
  /// Everything sealed is sealed under keys derived from this one.
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
