package import ChunkFormat
package import ChunkStore
import Synchronization
import VolumeMap

/// Reads map nodes and recomputes their ids; other readers trust the checksums.
package final class VerifyingNodes: NodeReading {
  private let repository: Repository
  /// Receives every damaged copy of a node.
  private let notes: DamageNotes
  /// Readers that are not in use.
  private let idle = Mutex<[Tools]>([])

  package init(repository: Repository, notes: DamageNotes) {
    self.repository = repository
    self.notes = notes
  }

  package func readNode(_ id: ContentID) throws -> MapNode {
    let tools = try idle.withLock { $0.popLast() } ?? Tools(repository, notes)
    defer { idle.withLock { $0.append(tools) } }
    return try MapNode(encoded: tools.checker.check(id, type: .mapNode, plainBytes: nil))
  }

  /// Passed between threads, used by one at a time.
  private struct Tools: @unchecked Sendable {
    let checker: ContentChecker

    init(_ repository: Repository, _ notes: DamageNotes) throws {
      checker = try ContentChecker(repository: repository, notes: notes)
    }
  }
}
