// A file may state the largest number there is, and sums may exceed it. Values that are only shown
// are held at the maximum.

extension UInt64 {
  /// The sum, or 2^64 - 1 where it is greater.
  package func saturatingAdding(_ other: UInt64) -> UInt64 {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? .max : sum
  }

  /// The whole part of the number: 2^64 - 1 if it is greater, 0 if it is negative or not a number.
  package init(saturating number: Double) {
    self = number >= 0x1p64 ? .max : number > 0 ? UInt64(number) : 0
  }
}

extension Sequence<UInt64> {
  /// The sum, or 2^64 - 1 where it is greater.
  package func saturatingSum() -> UInt64 { reduce(0) { $0.saturatingAdding($1) } }
}
