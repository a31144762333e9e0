import Administration

extension Quantities {
  /// The same, with the bytes where the rounding hides them: `1.00 GiB`, `976 KiB (1000000 B)`.
  static func exact(_ count: UInt64) -> String {
    let text = bytes(count)
    let isWhole = count < 1024 || ByteSize(text) == ByteSize(bytes: count)
    return isWhole ? text : "\(text) (\(count) B)"
  }
}
