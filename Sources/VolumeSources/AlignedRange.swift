/// A range cut where its aligned part begins and ends.
///
///     ├─ head ─┼─ body: whole blocks ─┼─ tail ─┤
struct AlignedRange: Hashable {
  let offsetBytes: UInt64
  let headBytes: UInt64
  let bodyBytes: UInt64
  let tailBytes: UInt64

  /// - Parameter alignmentBytes: at least 1. A range within one block is all head.
  init(offsetBytes: UInt64, lengthBytes: UInt64, alignmentBytes: UInt64) {
    self.offsetBytes = offsetBytes
    let intoBlock = offsetBytes % alignmentBytes
    headBytes = min(lengthBytes, intoBlock == 0 ? 0 : alignmentBytes - intoBlock)
    let rest = lengthBytes - headBytes
    tailBytes = rest % alignmentBytes
    bodyBytes = rest - tailBytes
  }

  var bodyOffsetBytes: UInt64 { offsetBytes + headBytes }
  var tailOffsetBytes: UInt64 { bodyOffsetBytes + bodyBytes }
}
