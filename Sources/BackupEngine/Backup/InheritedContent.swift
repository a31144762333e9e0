import ChunkFormat
import VolumeMap

/// The same volume of the parent revision.
struct ParentVolume: Sendable {
  let map: MapRoot
  let statistics: VolumeStatistics
}

/// Computes the statistics of the content that a volume reuses from its parent without reading: the
/// statistics of the whole parent, less those of the parts that were not reused. So the time
/// depends only on the parts that were not reused.
struct InheritedContent {
  private let parent: ParentVolume
  private let nodes: any NodeReading
  /// The end of the last reused part, in chunks. Nil if no part was reused.
  private var takenUpTo: ChunkNumber?
  private var replacedChunks: UInt64 = 0
  private var replacedBytes: UInt64 = 0

  init(_ parent: ParentVolume, reading nodes: any NodeReading) {
    self.parent = parent
    self.nodes = nodes
  }

  /// Notes chunks that are reused from the parent. They must come in ascending order.
  mutating func takeOver(_ chunks: Range<ChunkNumber>) {
    count(replaced: (takenUpTo ?? 0)..<chunks.lowerBound)
    takenUpTo = chunks.upperBound
  }

  /// Adds the reused content to the statistics.
  mutating func add(to statistics: inout VolumeStatistics) {
    guard let takenUpTo else { return }
    count(replaced: takenUpTo..<parent.map.geometry.endChunk)
    let (chunks, bytes) = (
      parent.statistics.newChunks + parent.statistics.knownChunks, parent.statistics.dataBytes
    )
    statistics.knownChunks += chunks - min(chunks, replacedChunks)
    statistics.dataBytes += bytes - min(bytes, replacedBytes)
  }

  /// Counts chunks of the parent that are not reused. Does not count chunks below an unreadable map
  /// node, so the statistics of the volume are then slightly too high.
  private mutating func count(replaced chunks: Range<ChunkNumber>) {
    let geometry = parent.map.geometry
    guard var runs = try? MapRuns(of: chunks, in: parent.map, reading: nodes) else { return }
    var chunk = chunks.lowerBound
    while let run = try? runs.next() {
      switch run {
      case .hole(let count): chunk += count
      case .chunk:
        replacedChunks += 1
        replacedBytes += UInt64(geometry.plainLengthBytes(ofChunk: chunk))
        chunk += 1
      }
    }
  }
}
