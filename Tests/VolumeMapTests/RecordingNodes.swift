import ChunkFormat
import Synchronization
import VolumeMap

/// Nodes in memory. Counts reads and writes.
final class RecordingNodes: NodeReading, NodeWriting, Sendable {
  struct Missing: Error {}

  private struct State {
    var nodes: [ContentID: MapNode] = [:]
    var reads: [ContentID] = []
    var writes: [(id: ContentID, previous: ContentID?)] = []
  }

  private let state = Mutex(State())

  var reads: [ContentID] { state.withLock { $0.reads } }
  var writes: [(id: ContentID, previous: ContentID?)] { state.withLock { $0.writes } }

  func forgetCounts() {
    state.withLock {
      $0.reads = []
      $0.writes = []
    }
  }

  func readNode(_ id: ContentID) throws -> MapNode {
    try state.withLock { state in
      state.reads.append(id)
      guard let node = state.nodes[id] else { throw Missing() }
      return node
    }
  }

  func writeNode(_ node: MapNode, replacing previous: ContentID?) -> ContentID {
    let id = add(node)
    state.withLock { $0.writes.append((id, previous)) }
    return id
  }

  /// Stores a node without counting it.
  func add(_ node: MapNode) -> ContentID {
    let id = ContentID(standingFor: node)
    state.withLock { $0.nodes[id] = node }
    return id
  }

  /// Replaces the node stored as `id` by another node, or removes it.
  func replace(_ id: ContentID, with node: MapNode?) {
    state.withLock { $0.nodes[id] = node }
  }
}

extension ContentID {
  /// An id for a chunk in a test: distinct for distinct values.
  static func chunk(_ value: UInt64) -> ContentID {
    Swift.withUnsafeBytes(of: (value, ~value, value &* 0x9E37_79B9_7F4A_7C15, UInt64(1))) {
      ContentID($0)
    }
  }

  /// An id that depends on every byte of the node, like a hash.
  init(standingFor node: MapNode) {
    var lanes = (UInt64(1), UInt64(2), UInt64(3), UInt64(4))
    func mix(_ lane: inout UInt64, _ byte: UInt8) {
      lane = (lane ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
      lane ^= lane >> 29
    }
    for byte in node.encoded() {
      mix(&lanes.0, byte)
      mix(&lanes.1, byte &+ 1)
      mix(&lanes.2, byte ^ 0x5A)
      mix(&lanes.3, ~byte)
    }
    self = Swift.withUnsafeBytes(of: lanes) { ContentID($0) }
  }
}
