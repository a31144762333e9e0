package import ChunkFormat
package import ChunkStore
import Synchronization
import VolumeMap

/// Map nodes as records of the store.
package final class NodeStore: NodeReading {
  private let repository: Repository
  private let verifiesIDs: Bool
  /// Readers that wait to be used again.
  private let idle = Mutex<[Tools]>([])

  /// - Parameter verifiesIDs: whether ids are computed again, rather than checksums trusted.
  package init(repository: Repository, verifiesIDs: Bool = false) {
    self.repository = repository
    self.verifiesIDs = verifiesIDs
  }

  package func readNode(_ id: ContentID) throws -> MapNode {
    let tools = try idle.withLock { $0.popLast() } ?? Tools(repository)
    defer { idle.withLock { $0.append(tools) } }
    let bytes = try tools.reader.read(id, type: .mapNode)
    if verifiesIDs {
      let found = try bytes.withUnsafeBytes { try tools.hasher.id(of: $0, type: .mapNode) }
      guard found == id else {
        throw StoreError(.damaged, "expected a map node with the id \(id), found \(found)")
      }
    }
    return try MapNode(encoded: bytes)
  }

  /// Handed from thread to thread, never shared.
  private struct Tools: @unchecked Sendable {
    let reader: RecordReader
    let hasher: ContentHasher

    init(_ repository: Repository) throws {
      reader = try RecordReader(store: repository.records)
      hasher = try ContentHasher(idKey: repository.keys?.idKey)
    }
  }
}

/// Writes map nodes through a session's writer, as deltas of the parent's where that is worthwhile.
/// Serves one thread.
struct NodeRecorder: NodeWriting {
  let writer: RecordWriter
  let preparer: RecordPreparer

  func writeNode(_ node: MapNode, replacing previous: ContentID?) throws -> ContentID {
    try node.encoded().withUnsafeBytes { bytes in
      let id = try preparer.id(of: bytes, type: .mapNode)
      if try !writer.contains(id) {
        try writer.append(
          preparer.prepare(bytes, id: id, type: .mapNode, previous: previous))
      }
      return id
    }
  }
}
