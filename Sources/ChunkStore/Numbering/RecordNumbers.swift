package import ChunkFormat
import FileIO
import SystemPackage

/// The numbers of all records that were in the index at one moment: chunks before nodes, each in the order
/// of their ids. For one thread.
package final class RecordNumbers {
  private let chunks: RankTable<ApproximateKey>
  /// Exact, since who walks maps does not enter a node again that was met.
  private let nodes: RankTable<ExactKey>
  private let index: PackIndex
  /// Which of the files that the index has had is numbered.
  private let generation: Int

  /// Numbers them; all of the index is read.
  init(index: PackIndex, scratch directory: FilePath, progress: () throws -> Void) throws {
    self.index = index
    generation = index.generation
    let count = try index.recordCount()
    var (chunks, nodes) = try reportingFileErrors { () throws(FileError) in
      (
        try RankTable<ApproximateKey>(expecting: count, in: directory),
        try RankTable<ExactKey>(expecting: count / MapNode.fanout, in: directory)
      )
    }
    try Self.number(index, &chunks, &nodes, progress)
    self.chunks = chunks
    self.nodes = nodes
  }

  private static func number(
    _ index: PackIndex, _ chunks: inout RankTable<ApproximateKey>,
    _ nodes: inout RankTable<ExactKey>, _ progress: () throws -> Void
  ) throws {
    var (failure, last): ((any Error)?, ContentID?) = (nil, nil)
    try index.read { index throws(StoreError) in
      try index.forEachRecord { id, record in
        guard id != last else { return true }
        last = id
        do {
          switch record.entry.type {
          case .chunk: try chunks.append(id)
          case .mapNode: try nodes.append(id)
          }
          if (chunks.count + nodes.count) % (1 << 16) == 0 { try progress() }
          return true
        } catch {
          failure = error
          return false
        }
      }
    }
    if let error = failure as? FileError { throw StoreError(error) }
    if let failure { throw failure }
    chunks.finish()
    nodes.finish()
  }

  /// How many records are numbered.
  package var count: Int { chunks.count + nodes.count }

  /// Whether the index is still the one that was numbered.
  package var isOfIndex: Bool { index.generation == generation }

  /// The record's number; nil for one that came since.
  package func number(of id: ContentID, _ type: RecordType) -> Int? {
    switch type {
    case .chunk: chunks.rank(of: id)
    case .mapNode: nodes.rank(of: id).map { chunks.count + $0 }
    }
  }
}
