// Numbers that a file states may be as large as a number can be, and so may their sums. Where they are
// only shown, the greatest number stands for all beyond it.

extension UInt64 {
  /// The sum, or 2^64 - 1 where it is greater.
  package func saturatingAdding(_ other: UInt64) -> UInt64 {
    let (sum, overflows) = addingReportingOverflow(other)
    return overflows ? .max : sum
  }

  /// The number without its fraction, 2^64 - 1 where it is greater, 0 where it is below or none.
  package init(saturating number: Double) {
    self = number >= 0x1p64 ? .max : number > 0 ? UInt64(number) : 0
  }
}

extension Sequence<UInt64> {
  /// The sum, or 2^64 - 1 where it is greater.
  package func saturatingSum() -> UInt64 { reduce(0) { $0.saturatingAdding($1) } }
}
