import ChunkFormat

/// The names and identifiers of an attached disk's volume groups while the disk is attached. They
/// differ from the names and identifiers of this machine's own volume groups.
package struct VolumeGroupIdentity {
  /// LVM's limit for names.
  private static let nameLimitBytes = 127
  private static let identifierBytes = 32
  private static let alphabet = Array(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

  /// Letters and digits, such as `nbd0`. Everything else that is attached or mounted has another
  /// key.
  package let key: String

  package init(key: String) { self.key = key }

  /// `vg0.nbd0` for `vg0`.
  func name(for name: [UInt8]) -> [UInt8] {
    let suffix = Array(".\(key)".utf8)
    return name.prefix(Self.nameLimitBytes - suffix.count) + suffix
  }

  /// The identifier that replaces another one. Both have 32 characters without hyphens. With the
  /// same key, an identifier is replaced by the same one wherever it occurs.
  func identifier(for identifier: some Collection<UInt8>) throws(FormatError) -> [UInt8] {
    let hash = try ContentHasher(idKey: nil).id(
      of: Array("\(key)/".utf8) + identifier, type: .chunk)
    return hash.withUnsafeBytes { bytes in
      bytes.prefix(Self.identifierBytes).map { Self.alphabet[Int($0) % Self.alphabet.count] }
    }
  }
}
