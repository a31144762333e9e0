import ChunkFormat
import VolumeMap

/// Remembers, while maps are walked, under which nodes nothing was amiss: the next revision that has
/// them need not be looked at there.
struct WholeSubtrees {
  /// Bounds the memory; what is not remembered is looked at again.
  private static let rememberedNodes = 4 << 20

  private var whole: Set<ContentID> = []
  /// The nodes on the way to where the walk is, with what was amiss when it came by.
  private var path: [(position: NodePosition, id: ContentID, amiss: Int)] = []

  /// Notes that the walk comes to a node.
  ///
  /// - Parameter amiss: places so far where something was amiss.
  /// - Returns: false where everything under it is known to be right.
  mutating func enter(_ id: ContentID, at position: NodePosition, amiss: Int) -> Bool {
    leave(upTo: position.level, amiss: amiss)
    guard !whole.contains(id) else { return false }
    path.append((position, id, amiss))
    return true
  }

  /// The node at `position`, which the walk is in or under.
  func id(at position: NodePosition) -> ContentID? {
    path.last { $0.position == position }?.id
  }

  /// Notes that the walk of one map has come to its end.
  mutating func end(amiss: Int) { leave(upTo: MapNode.maximumLevels, amiss: amiss) }

  private mutating func leave(upTo level: Int, amiss: Int) {
    while let last = path.last, last.position.level <= level {
      path.removeLast()
      if last.amiss == amiss, whole.count < Self.rememberedNodes { whole.insert(last.id) }
    }
  }
}
