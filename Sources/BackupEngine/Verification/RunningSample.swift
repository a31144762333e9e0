/// Chooses a share of things that come in groups, without knowing how many there will be: within a group
/// each is as likely as any other (Knuth, "The Art of Computer Programming", 3.4.2, algorithm S), and so
/// many are taken altogether as the share says, rounded up or down.
struct RunningSample {
  /// What is due and was not taken yet; begins at random, so that no place is favoured.
  private var due: Double

  /// - Parameter expected: how many things the share may come to altogether: of less than one thing,
  ///   one is taken all the same.
  init(expected: Double) {
    due = 1 - Double.random(in: 0..<1) * min(1, max(expected, .leastNormalMagnitude))
  }

  /// Which of the next `count` are taken, in order.
  ///
  /// - Parameter share: above 0; from 1 on all are taken.
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
