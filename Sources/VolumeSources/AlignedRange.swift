/// A range that is cut into a head, an aligned body of whole blocks, and a tail.
///
///     ├─ head ─┼─ body: whole blocks ─┼─ tail ─┤
package struct AlignedRange: Hashable {
  package let offsetBytes: UInt64
  package let headBytes: UInt64
  package let bodyBytes: UInt64
  package let tailBytes: UInt64

  /// - Parameter alignmentBytes: the length of a block, at least 1. A range that begins and ends
  ///   inside one block is only a head.
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
