import ChunkFormat

/// What the volume groups of an attached disk are called, and identified by, while it is attached: nothing
/// that this machine's own volume groups could be taken for, and the other way round.
package struct VolumeGroupIdentity {
  /// LVM's limit for names.
  private static let nameLimitBytes = 127
  private static let identifierBytes = 32
  private static let alphabet = Array(
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)

  /// Differs from that of everything else which is attached or mounted, such as `nbd0`; letters and digits.
  package let key: String

  package init(key: String) { self.key = key }

  /// `vg0.nbd0` for `vg0`.
  func name(for name: [UInt8]) -> [UInt8] {
    let suffix = Array(".\(key)".utf8)
    return name.prefix(Self.nameLimitBytes - suffix.count) + suffix
  }

  /// The identifier that stands for another one, both 32 characters without hyphens. The same key gives the
  /// same one in every place where it occurs.
  func identifier(for identifier: some Collection<UInt8>) throws(FormatError) -> [UInt8] {
    let hash = try ContentHasher(idKey: nil).id(
      of: Array("\(key)/".utf8) + identifier, type: .chunk)
    return hash.withUnsafeBytes { bytes in
      bytes.prefix(Self.identifierBytes).map { Self.alphabet[Int($0) % Self.alphabet.count] }
    }
  }
}
