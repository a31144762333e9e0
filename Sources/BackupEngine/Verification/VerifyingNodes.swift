import ChunkFormat
import ChunkStore
import Synchronization
import VolumeMap

/// Reads map nodes and computes their ids again, where others trust the checksums.
final class VerifyingNodes: NodeReading {
  private let repository: Repository
  /// Readers that wait to be used again.
  private let idle = Mutex<[Tools]>([])

  init(repository: Repository) { self.repository = repository }

  func readNode(_ id: ContentID) throws -> MapNode {
    let tools = try idle.withLock { $0.popLast() } ?? Tools(repository)
    defer { idle.withLock { $0.append(tools) } }
    return try MapNode(encoded: tools.checker.check(id, type: .mapNode, plainBytes: nil))
  }

  /// Handed from thread to thread, never shared.
  private struct Tools: @unchecked Sendable {
    let checker: ContentChecker

    init(_ repository: Repository) throws { checker = try ContentChecker(repository: repository) }
  }
}
