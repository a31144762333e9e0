import ChunkFormat
import VolumeMap

/// Remembers the subtrees without problems during the walks through maps: the next revision with
/// the same subtree need not be checked there.
struct WholeSubtrees {
  /// Limits the memory; a subtree that is not remembered is checked again.
  private static let rememberedNodes = 4 << 20

  private var whole: Set<ContentID> = []
  /// Nodes of the current map with a problem under them: each is noted once.
  private var amissHere: Set<ContentID> = []
  /// The nodes on the path of the walk, with the number of problems when it entered them.
  private var path: [(position: NodePosition, id: ContentID, amiss: Int)] = []

  /// Called when the walk enters a node.
  ///
  /// - Parameter amiss: the number of problems so far.
  /// - Returns: what is known of the subtree; nil if the walk must visit it.
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
    /// There is a problem, and it was noted in this map.
    case amiss
  }

  /// The node at `position`, which the walk is in or under.
  func id(at position: NodePosition) -> ContentID? {
    path.last { $0.position == position }?.id
  }

  /// Called when the walk of one map ends.
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
