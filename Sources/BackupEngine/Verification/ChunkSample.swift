import ChunkFormat
import VolumeMap

/// Chooses so many of a volume's chunks at random, each as likely as any other, while they pass by
/// (Knuth, "The Art of Computer Programming", 3.4.2, algorithm S).
struct ChunkSample: MapVisitor {
  private var remaining = 0
  private var wanted = 0

  /// - Parameter share: of the chunks, above 0 and below 1; rounded up to a whole number of them.
  init(share: Double, of map: MapRoot, reading nodes: any NodeReading) throws {
    try map.walk(reading: nodes, &self)
    wanted = Int((Double(remaining) * share).rounded(.up))
  }

  mutating func takesNext() -> Bool {
    // Damage that came up since the chunks were counted can bring more of them than expected.
    guard remaining > 0 else { return true }
    let takes = Int.random(in: 0..<remaining) < wanted
    remaining -= 1
    wanted -= takes ? 1 : 0
    return takes
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { true }

  mutating func visit(chunk id: ContentID, number: UInt64) { remaining += 1 }

  /// The walk that collects reports it.
  mutating func visit(damaged error: MapError, at position: NodePosition) {}
}
