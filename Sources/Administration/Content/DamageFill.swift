import ChunkFormat

/// What stands in for data that cannot be read: zeros, or bytes that are repeated.
package struct DamageFill: Equatable, Sendable {
  package static let maximumBytes = 4096

  package let pattern: [UInt8]

  package static let zeros = DamageFill(pattern: [0])

  private init(pattern: [UInt8]) { self.pattern = pattern }

  /// Reads `zeros`, or hexadecimal digits such as `0xdeadbeef`; nil for anything else.
  package init?(_ text: String) {
    if text == "zeros" {
      self = .zeros
    } else if text.hasPrefix("0x"), let bytes = Hexadecimal.decode(text.dropFirst(2).lowercased()),
      1...Self.maximumBytes ~= bytes.count
    {
      self.init(pattern: bytes)
    } else {
      return nil
    }
  }
}

extension DamageFill: CustomStringConvertible {
  package var description: String {
    self == .zeros ? "zeros" : pattern.withUnsafeBytes { "0x" + Hexadecimal.encode($0) }
  }
}
