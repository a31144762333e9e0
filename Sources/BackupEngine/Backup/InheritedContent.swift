import ChunkFormat
import VolumeMap

/// The same volume of the parent revision.
struct ParentVolume: Sendable {
  let map: MapRoot
  let statistics: VolumeStatistics
}

/// Adds up the content that a volume took over from its parent without reading: the content of the
/// parent, less the content outside the parts taken over. So the time is proportional to the rest
/// of the volume.
struct InheritedContent {
  private let parent: ParentVolume
  private let nodes: any NodeReading
  /// Where the last part ended, in chunks; nil if nothing was taken over.
  private var takenUpTo: UInt64?
  private var replacedChunks: UInt64 = 0
  private var replacedBytes: UInt64 = 0

  init(_ parent: ParentVolume, reading nodes: any NodeReading) {
    self.parent = parent
    self.nodes = nodes
  }

  /// Notes chunks that are the parent's; they come in order.
  mutating func takeOver(_ chunks: Range<UInt64>) {
    count(replaced: (takenUpTo ?? 0)..<chunks.lowerBound)
    takenUpTo = chunks.upperBound
  }

  /// Adds what was taken over.
  mutating func add(to statistics: inout VolumeStatistics) {
    guard let takenUpTo else { return }
    count(replaced: takenUpTo..<parent.map.geometry.chunkCount)
    let (chunks, bytes) = (
      parent.statistics.newChunks + parent.statistics.knownChunks, parent.statistics.dataBytes
    )
    statistics.knownChunks += chunks - min(chunks, replacedChunks)
    statistics.dataBytes += bytes - min(bytes, replacedBytes)
  }

  /// Chunks below a map node that cannot be read are not counted; the statistics are then a little
  /// too high.
  private mutating func count(replaced chunks: Range<UInt64>) {
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
