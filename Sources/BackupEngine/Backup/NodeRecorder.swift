import ChunkFormat
import ChunkStore
import VolumeMap

/// Writes map nodes through a session's writer, as deltas of the parent's where that is worthwhile.
/// Serves one thread.
final class NodeRecorder: NodeWriting {
  private let writer: RecordWriter
  private let keeper: RecordKeeper
  private let sealing: Sealing
  /// What the nodes that were new take in the store.
  private(set) var storedBytes: UInt64 = 0

  init(writer: RecordWriter, keeper: RecordKeeper, sealing: Sealing) {
    self.writer = writer
    self.keeper = keeper
    self.sealing = sealing
  }

  func writeNode(_ node: MapNode, replacing previous: ContentID?) throws -> ContentID {
    let kept = try node.encoded().withUnsafeBytes {
      try keeper.keep($0, type: .mapNode, previous: previous)
    }
    if case .new(let record, let isReplacement) = kept,
      try writer.append(record, isReplacement: isReplacement)
    {
      storedBytes += UInt64(record.packedBytes(sealing: sealing))
    }
    return kept.id
  }
}
