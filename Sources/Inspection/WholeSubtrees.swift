import ChunkFormat
import VolumeMap

/// Remembers, while maps are walked, under which nodes nothing was amiss: the next revision that has
/// them need not be looked at there.
struct WholeSubtrees {
  /// Bounds the memory; what is not remembered is looked at again.
  private static let rememberedNodes = 4 << 20

  private var whole: Set<ContentID> = []
  /// Nodes of the map at hand under which something was amiss: once is enough for each.
  private var amissHere: Set<ContentID> = []
  /// The nodes on the way to where the walk is, with what was amiss when it came by.
  private var path: [(position: NodePosition, id: ContentID, amiss: Int)] = []

  /// Notes that the walk comes to a node.
  ///
  /// - Parameter amiss: places so far where something was amiss.
  /// - Returns: what is known of everything under it; nil where the walk has to look.
  mutating func enter(_ id: ContentID, at position: NodePosition, amiss: Int) -> Known? {
    leave(upTo: position.level, amiss: amiss)
    if whole.contains(id) { return .whole }
    if amissHere.contains(id) { return .amiss }
    path.append((position, id, amiss))
    return nil
  }

  /// What is known of a subtree.
  enum Known {
    case whole
    /// Something is amiss, and was noted in this map.
    case amiss
  }

  /// The node at `position`, which the walk is in or under.
  func id(at position: NodePosition) -> ContentID? {
    path.last { $0.position == position }?.id
  }

  /// Notes that the walk of one map has come to its end.
  mutating func end(amiss: Int) {
    leave(upTo: MapNode.maximumLevels, amiss: amiss)
    amissHere = []
  }

  private mutating func leave(upTo level: Int, amiss: Int) {
    while let last = path.last, last.position.level <= level {
      path.removeLast()
      if last.amiss == amiss {
        if whole.count < Self.rememberedNodes { whole.insert(last.id) }
      } else if amissHere.count < Self.rememberedNodes {
        amissHere.insert(last.id)
      }
    }
  }
}
