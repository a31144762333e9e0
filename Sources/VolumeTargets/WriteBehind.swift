/// Decides when written data is sent on to the storage: soon, so that a restore fills neither the
/// page cache nor the end with waiting.
///
/// Every 8 MiB written, in any order, are a batch. A full batch is started on its way; the one four
/// batches older is waited for and let go:
///
///     ◀─ let go ─▶│◀ waited for ▶│◀─ on their way ─▶│ being filled │
///
/// Measured on 1 GiB to ext4: 0.6 s in all and 0.01 s of it in the final fsync, against 1.5 to 2.7 s
/// and 0.3 s where the kernel decides.
struct WriteBehind {
  struct Step {
    var toStart: [Range<UInt64>]
    var toComplete: [Range<UInt64>]
  }

  private static let batchBytes: UInt64 = 8 << 20
  private static let batchesOnTheirWay = 4

  private var filling: [Range<UInt64>] = []
  private var fillingBytes: UInt64 = 0
  private var onTheirWay: [[Range<UInt64>]] = []

  /// What is to be done, if anything, now that a range has been written.
  mutating func didWrite(_ range: Range<UInt64>) -> Step? {
    if let last = filling.last, last.upperBound == range.lowerBound {
      filling[filling.count - 1] = last.lowerBound..<range.upperBound
    } else {
      filling.append(range)
    }
    fillingBytes += UInt64(range.count)
    guard fillingBytes >= Self.batchBytes else { return nil }

    let full = filling
    filling = []
    fillingBytes = 0
    onTheirWay.append(full)
    let isOldestDue = onTheirWay.count > Self.batchesOnTheirWay
    return Step(toStart: full, toComplete: isOldestDue ? onTheirWay.removeFirst() : [])
  }
}
