/// The durations of requests, counted in a fixed number of classes. Four classes cover each
/// doubling.
package struct LatencyHistogram: Sendable {
  /// Below 4 µs, each microsecond has its own class. The last class contains everything from about
  /// 76 min.
  private static let classCount = 124

  private var counts = [UInt32](repeating: 0, count: classCount)
  package private(set) var count: UInt64 = 0
  private var sumNanoseconds: UInt64 = 0

  package init() {}

  mutating func add(nanoseconds: UInt64) {
    counts[Self.index(microseconds: nanoseconds / 1000)] &+= 1
    count += 1
    sumNanoseconds &+= nanoseconds
  }

  /// The mean in seconds. Nil before the first request.
  package var mean: Double? { count == 0 ? nil : Double(sumNanoseconds) / Double(count) / 1e9 }

  /// Returns a duration in seconds that at least `share` of the requests did not exceed. It is at
  /// most a quarter too high. Nil before the first request.
  package func quantile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    let wanted = max(1, (Double(count) * share).rounded(.up))
    var seen = 0.0
    for (index, number) in counts.enumerated() {
      seen += Double(number)
      if seen >= wanted { return Double(Self.endMicroseconds(of: index)) / 1e6 }
    }
    return nil
  }

  private static func index(microseconds: UInt64) -> Int {
    guard microseconds >= 4 else { return Int(microseconds) }
    let exponent = UInt64.bitWidth - 1 - microseconds.leadingZeroBitCount
    let quarter = Int(microseconds >> UInt64(exponent - 2)) & 3
    return min(4 * (exponent - 1) + quarter, classCount - 1)
  }

  /// The exclusive upper bound of a class.
  private static func endMicroseconds(of index: Int) -> UInt64 {
    guard index >= 4 else { return UInt64(index) + 1 }
    let (exponent, quarter) = (index / 4 + 1, UInt64(index % 4))
    return (5 + quarter) << UInt64(exponent - 2)
  }
}
