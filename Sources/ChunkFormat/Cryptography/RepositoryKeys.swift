/// The two secrets of an encrypted repository, both random, both 256 bits (format, "Keys").
///
/// They are separate so that a client can have the id key, and deduplicate, without the data key,
/// which it would need to read.
package struct RepositoryKeys: Sendable {
  static let keyBytes = 32

  /// Makes ids of contents.
  package let idKey: SecretBytes
  /// Keys for everything that is sealed are derived from this one.
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
