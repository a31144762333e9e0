/// Chooses a share of items that come in groups, without knowing how many will come. Within a group
/// all items are equally likely (Knuth, "The Art of Computer Programming", 3.4.2, algorithm S). The
/// total is the share of all items, rounded up or down.
struct RunningSample {
  /// The part of the share that was not taken yet. Starts at random, so that no position is
  /// favoured.
  private var due: Double

  /// - Parameter expected: about how many items the share will have. Of less than one item, one is
  ///   taken.
  init(expected: Double) {
    due = 1 - Double.random(in: 0..<1) * min(1, max(expected, .leastNormalMagnitude))
  }

  /// Which of the next `count` items are taken, in order.
  ///
  /// - Parameter share: above 0; 1 and more take all.
  mutating func choose(from count: Int, share: Double) -> [Bool] {
    guard share < 1 else { return Array(repeating: true, count: count) }
    due += Double(count) * share
    var wanted = max(0, min(count, Int(due)))
    due -= Double(wanted)
    return (0..<count).map { number in
      let takes = Int.random(in: 0..<count - number) < wanted
      wanted -= takes ? 1 : 0
      return takes
    }
  }
}
