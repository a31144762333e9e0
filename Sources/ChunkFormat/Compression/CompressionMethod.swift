/// How a repository compresses what it stores anew: `none`, or `zstd:LEVEL`.
package enum CompressionMethod: Equatable, Sendable {
  case none
  /// Levels 1 to 19.
  case zstd(level: Int)

  package static let standard = CompressionMethod.zstd(level: 1)
  /// The levels that are accepted.
  package static let levels = 1...19

  /// Reads `none`, `zstd` or `zstd:LEVEL`; nil where the text is none of them.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case ("none", 1): self = .none
    case ("zstd", 1): self = .standard
    case ("zstd", 2):
      guard let level = Int(parts[1]), Self.levels ~= level else { return nil }
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

/// How the bytes of one record are to be read.
package enum Codec: UInt8, Sendable {
  /// As they are.
  case raw = 0
  /// One zstd frame.
  case zstd = 1
  /// One zstd frame whose prefix is the plaintext of another record, the base.
  case delta = 2
}
