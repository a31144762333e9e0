package import ChunkFormat
import Synchronization

/// The map nodes used of late, decoded, for all readers of a repository: bounded in bytes, safe to use
/// from several threads.
///
/// Nodes are evicted by the clock algorithm: a hit sets a mark and moves nothing, so that the lock is
/// held for one look into a dictionary. All nodes are equally large, which makes the bound exact.
package final class NodeCache: NodeReading {
  /// Memory of one cached node in bytes: its children, and what the tables need.
  package static let nodeBytes = MapNode.fanout * ContentID.lengthBytes + 160
  /// Default bound in bytes: the leaves of about 60 GiB of disk with chunks of 128 KiB.
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

  /// A cache over `nodes` that takes up to about `limitBytes`, but holds a few nodes at least.
  package init(reading nodes: any NodeReading, limitBytes: Int = defaultLimitBytes) {
    self.nodes = nodes
    self.capacity = max(limitBytes / Self.nodeBytes, MapNode.maximumLevels)
  }

  /// The node `id` if it is at hand; never blocks longer than a look into a table.
  package func cachedNode(_ id: ContentID) -> MapNode? {
    state.withLock { state in
      guard let slot = state.slotOfID[id] else { return nil }
      state.slots[slot].wasUsed = true
      return state.slots[slot].node
    }
  }

  /// The node `id`, read where it is not at hand; threads that want the same node read it once.
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

/// Held while a node is read. A node has one of a few locks: those who wait need not all want it.
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
