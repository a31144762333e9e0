/// Ranges of a target that must read as zeros at the end, and may already do so. They are checked
/// once everything around them is written.
///
/// They must not be checked earlier: in a thin pool made with `--zero n`, the first write to a part
/// of a block makes the old content of the block visible in the rest of the block.
struct UncheckedZeros {
  /// A range needs 16 bytes of memory. If a volume has more holes, ranges are checked during the
  /// restore, too.
  private static let limit = 1 << 20

  private var ranges = RangeSet<UInt64>()
  /// The ranges that are being checked; the next one is last.
  private var queue: [Range<UInt64>] = []

  var isFull: Bool { ranges.ranges.count > Self.limit }

  var lengthBytes: UInt64 {
    (Array(ranges.ranges) + queue).reduce(0) { $0 + UInt64($1.count) }
  }

  mutating func add(_ range: Range<UInt64>) {
    if !range.isEmpty { ranges.insert(contentsOf: range) }
  }

  /// Removes a range, because something else was written to it.
  mutating func remove(_ range: Range<UInt64>) {
    guard let last = ranges.ranges.last, range.lowerBound < last.upperBound else { return }
    ranges.remove(contentsOf: range)
  }

  /// Prepares the ranges for checking.
  ///
  /// - Parameter keepsLast: whether to leave the last range out, because more may be written beside
  ///   it.
  /// - Returns: whether ranges were added to the ones that are being checked.
  mutating func beginChecking(keepsLast: Bool) -> Bool {
    var new = Array(ranges.ranges)
    ranges = RangeSet()
    if keepsLast, let last = new.popLast() { add(last) }
    queue = new.reversed() + queue
    return !new.isEmpty
  }

  /// The next range to check, or a part of it; nil if there is none.
  ///
  /// - Parameter limitBytes: the longest part to return, at least 1.
  mutating func takeNext(limitBytes: UInt64) -> Range<UInt64>? {
    guard let range = queue.popLast() else { return nil }
    guard UInt64(range.count) > limitBytes else { return range }
    let cut = range.lowerBound + limitBytes
    queue.append(cut..<range.upperBound)
    return range.lowerBound..<cut
  }
}
