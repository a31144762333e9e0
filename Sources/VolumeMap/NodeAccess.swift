package import ChunkFormat
import Synchronization

/// Reads map nodes.
package protocol NodeReading: Sendable {
  /// Reads the node `id`, and checks its content against the id or the record's checksum.
  ///
  /// May block. Several threads may call it at once.
  func readNode(_ id: ContentID) throws -> MapNode
}

/// Writes map nodes.
package protocol NodeWriting {
  /// Stores `node` and returns its id. A node that is already stored takes no more space.
  ///
  /// `previous` is the node at the same position in the parent revision's map, if there is one. It
  /// is a good base for a delta.
  func writeNode(_ node: MapNode, replacing previous: ContentID?) throws -> ContentID
}

/// A cache of recently used map nodes, decoded, for all readers of a repository. Its size in bytes
/// is limited. Several threads may use it at once.
///
/// The clock algorithm chooses the nodes to evict: a hit only sets a mark, so the lock is held only
/// for one look-up in a dictionary. All nodes have the same size, so the limit is exact.
package final class NodeCache: NodeReading {
  /// Memory of one cached node in bytes: the children, and the node's share of the tables.
  package static let nodeBytes = MapNode.fanout * ContentID.lengthBytes + 160
  /// Default limit in bytes: enough for the leaves of about 60 GiB of disk with chunks of 128 KiB.
  package static let defaultLimitBytes = 16 << 20

  fileprivate struct Slot {
    var id: ContentID
    var node: MapNode
    var wasUsed: Bool
  }

  fileprivate struct State {
    var slots: [Slot] = []
    var slotOfID: [ContentID: Int] = [:]
    var hand = 0
  }

  private let nodes: any NodeReading
  private let capacity: Int
  private let state = Mutex(State())
  private let loading = (0..<16).map { _ in LoadingLock() }

  /// Creates a cache for `nodes`. It uses at most about `limitBytes`, but always has room for a few
  /// nodes.
  package init(reading nodes: any NodeReading, limitBytes: Int = defaultLimitBytes) {
    self.nodes = nodes
    self.capacity = max(limitBytes / Self.nodeBytes, MapNode.maximumLevels)
  }

  /// The node `id` if it is cached. Never blocks longer than a look-up in a table takes.
  package func cachedNode(_ id: ContentID) -> MapNode? {
    state.withLock { state in
      guard let slot = state.slotOfID[id] else { return nil }
      state.slots[slot].wasUsed = true
      return state.slots[slot].node
    }
  }

  /// The node `id`. Reads it if it is not cached. Several threads that need the same node read it
  /// only once.
  package func readNode(_ id: ContentID) throws -> MapNode {
    if let node = cachedNode(id) { return node }
    return try loading[abs(id.hashValue % loading.count)].mutex.withLock { _ in
      if let node = cachedNode(id) { return node }
      let node = try nodes.readNode(id)
      state.withLock { $0.insert(node, id, capacity: capacity) }
      return node
    }
  }
}

/// A lock that a thread holds while it reads a node. All nodes share a few locks, so a thread may
/// also wait until another node has been read.
private final class LoadingLock: Sendable {
  let mutex = Mutex(())
}

extension NodeCache.State {
  fileprivate mutating func insert(_ node: MapNode, _ id: ContentID, capacity: Int) {
    let slot = NodeCache.Slot(id: id, node: node, wasUsed: false)
    if slots.count < capacity {
      slotOfID[id] = slots.count
      slots.append(slot)
      return
    }
    while slots[hand].wasUsed {
      slots[hand].wasUsed = false
      hand = (hand + 1) % slots.count
    }
    slotOfID[slots[hand].id] = nil
    slotOfID[id] = hand
    slots[hand] = slot
    hand = (hand + 1) % slots.count
  }
}
