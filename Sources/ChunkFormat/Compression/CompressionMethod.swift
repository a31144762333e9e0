/// How a repository compresses new records: `none`, or `zstd:LEVEL`.
package enum CompressionMethod: Equatable, Sendable {
  case none
  /// A level that ``isValid(level:)`` accepts. Negative levels are zstd's fast ones.
  case zstd(level: Int)

  package static let standard = CompressionMethod.zstd(level: 1)
  /// The range of accepted levels. 0 lies in it, but is not accepted.
  package static let levels = -7...19

  /// Whether `level` is accepted. 0 is refused: for zstd it means the default, level 3.
  package static func isValid(level: Int) -> Bool { levels ~= level && level != 0 }

  /// Reads `none`, `zstd` or `zstd:LEVEL`; nil for any other text.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case ("none", 1): self = .none
    case ("zstd", 1): self = .standard
    case ("zstd", 2):
      guard let level = Int(parts[1]), Self.isValid(level: level),
        String(level) == parts[1]
      else { return nil }
      self = .zstd(level: level)
    default: return nil
    }
  }
}

extension CompressionMethod: CustomStringConvertible {
  package var description: String {
    switch self {
    case .none: "none"
    case .zstd(let level): "zstd:\(level)"
    }
  }
}

/// How the stored bytes of a record are coded.
package enum Codec: UInt8, Sendable {
  /// Uncompressed.
  case raw = 0
  /// One zstd frame.
  case zstd = 1
  /// One zstd frame whose prefix is the plaintext of another record, the base.
  case delta = 2
}
