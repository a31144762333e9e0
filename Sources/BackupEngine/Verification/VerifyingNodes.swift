package import ChunkFormat
package import ChunkStore
import Synchronization
import VolumeMap

/// Reads map nodes and computes their ids again, where others trust the checksums.
package final class VerifyingNodes: NodeReading {
  private let repository: Repository
  /// Told of every copy of a node that is damaged.
  private let notes: DamageNotes
  /// Readers that wait to be used again.
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

  /// Handed from thread to thread, never shared.
  private struct Tools: @unchecked Sendable {
    let checker: ContentChecker

    init(_ repository: Repository, _ notes: DamageNotes) throws {
      checker = try ContentChecker(repository: repository, notes: notes)
    }
  }
}
