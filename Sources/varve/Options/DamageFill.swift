import ArgumentParser
import ChunkFormat

/// What stands in for data that cannot be read: zeros, or bytes that are repeated.
struct DamageFill: Equatable, Sendable {
  static let maximumBytes = 4096

  let pattern: [UInt8]

  static let zeros = DamageFill(pattern: [0])

  private init(pattern: [UInt8]) { self.pattern = pattern }

  /// Reads `zeros`, or hexadecimal digits such as `0xdeadbeef`; nil for anything else.
  init?(_ text: String) {
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

extension DamageFill: ExpressibleByArgument {
  init?(argument: String) { self.init(argument) }
}

extension DamageFill: CustomStringConvertible {
  var description: String {
    self == .zeros ? "zeros" : pattern.withUnsafeBytes { "0x" + Hexadecimal.encode($0) }
  }
}
