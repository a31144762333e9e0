/// Ranges of a target that have to read as zeros in the end, and may do so already: they are looked at
/// once everything around them is written.
///
/// Not earlier, because a thin pool made with `--zero n` gives a block what somebody else left in it
/// when a part of the block is written first.
struct UncheckedZeros {
  /// Memory is 16 bytes a range. A volume with more holes is checked several times on its way.
  private static let limit = 1 << 20

  private var ranges = RangeSet<UInt64>()
  /// Those that are being looked at, the next one last.
  private var queue: [Range<UInt64>] = []

  var isFull: Bool { ranges.ranges.count > Self.limit }

  var lengthBytes: UInt64 {
    (Array(ranges.ranges) + queue).reduce(0) { $0 + UInt64($1.count) }
  }

  mutating func add(_ range: Range<UInt64>) {
    if !range.isEmpty { ranges.insert(contentsOf: range) }
  }

  /// Something else was written there.
  mutating func remove(_ range: Range<UInt64>) {
    guard let last = ranges.ranges.last, range.lowerBound < last.upperBound else { return }
    ranges.remove(contentsOf: range)
  }

  /// Makes ready to look at what there is.
  ///
  /// - Parameter keepsLast: whether the last range is left out, beside which more may be written.
  /// - Returns: whether there is anything that was not ready before.
  mutating func beginChecking(keepsLast: Bool) -> Bool {
    var new = Array(ranges.ranges)
    ranges = RangeSet()
    if keepsLast, let last = new.popLast() { add(last) }
    queue = new.reversed() + queue
    return !new.isEmpty
  }

  /// The next range to look at, or a part of it; nil when there is none.
  ///
  /// - Parameter limitBytes: at least 1.
  mutating func takeNext(limitBytes: UInt64) -> Range<UInt64>? {
    guard let range = queue.popLast() else { return nil }
    guard UInt64(range.count) > limitBytes else { return range }
    let cut = range.lowerBound + limitBytes
    queue.append(cut..<range.upperBound)
    return range.lowerBound..<cut
  }
}
