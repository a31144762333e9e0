/// A range cut where its aligned part begins and ends.
///
///     ├─ head ─┼─ body: whole blocks ─┼─ tail ─┤
package struct AlignedRange: Hashable {
  package let offsetBytes: UInt64
  package let headBytes: UInt64
  package let bodyBytes: UInt64
  package let tailBytes: UInt64

  /// - Parameter alignmentBytes: at least 1. A range within one block is all head.
  package init(offsetBytes: UInt64, lengthBytes: UInt64, alignmentBytes: UInt64) {
    self.offsetBytes = offsetBytes
    let intoBlock = offsetBytes % alignmentBytes
    headBytes = min(lengthBytes, intoBlock == 0 ? 0 : alignmentBytes - intoBlock)
    let rest = lengthBytes - headBytes
    tailBytes = rest % alignmentBytes
    bodyBytes = rest - tailBytes
  }

  package var bodyOffsetBytes: UInt64 { offsetBytes + headBytes }
  package var tailOffsetBytes: UInt64 { bodyOffsetBytes + bodyBytes }
}
