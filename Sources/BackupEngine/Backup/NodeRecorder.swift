import ChunkFormat
import ChunkStore
import VolumeMap

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
