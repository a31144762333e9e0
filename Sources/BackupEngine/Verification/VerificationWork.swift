import ChunkFormat
import ChunkStore
import VolumeMap

/// A volume or an attachment to read back.
final class VerifiedVolume: Sendable {
  let entry: RevisionEntry
  let name: String
  let sizeBytes: UInt64
  /// Nil for an attachment.
  let geometry: MapGeometry?
  let chunkSizeBytes: Int
  /// The share of the chunks to read, 0 to 1.
  let share: Double
  /// A source to compare the content with. Nil if there is none.
  let source: SourceComparison?

  init(
    entry: RevisionEntry, name: String, sizeBytes: UInt64, geometry: MapGeometry?,
    chunkSizeBytes: Int, share: Double, source: SourceComparison?
  ) {
    self.entry = entry
    self.name = name
    self.sizeBytes = sizeBytes
    self.geometry = geometry
    self.chunkSizeBytes = chunkSizeBytes
    self.share = share
    self.source = source
  }

  /// Returns the bytes of a chunk. A revision may list more chunks for an attachment than its size
  /// needs.
  func bytes(ofChunk number: ChunkNumber) -> Range<UInt64> {
    if let geometry { return geometry.bytes(ofChunk: number) }
    let (start, hasOverflow) = number.value.multipliedReportingOverflow(by: UInt64(chunkSizeBytes))
    let first = hasOverflow ? sizeBytes : min(start, sizeBytes)
    return first..<first + min(UInt64(chunkSizeBytes), sizeBytes - first)
  }

  /// Returns the place of these bytes for reports.
  func place(_ bytes: Range<UInt64>) -> ContentPlace {
    ContentPlace(
      revision: entry.id, job: entry.revision.job, volume: name,
      offsetBytes: bytes.lowerBound, lengthBytes: UInt64(bytes.count))
  }

  func damage(
    at bytes: Range<UInt64>, _ error: any Error, _ pack: PackID?
  ) -> VerificationReport.Damage {
    VerificationReport.Damage(
      job: entry.revision.job, revision: entry.id, name: name, offsetBytes: bytes.lowerBound,
      lengthBytes: UInt64(bytes.count), pack: pack?.description, message: "\(error)")
  }
}

/// A chunk to read back.
struct VerifiedChunk: Sendable {
  let volume: VerifiedVolume
  /// The number of the chunk, from the start of the volume or attachment.
  let number: ChunkNumber
  let id: ContentID

  var bytes: Range<UInt64> { volume.bytes(ofChunk: number) }
}

/// Counts the chunks of a revision. A chunk counts once for every place that uses it. Holes do not
/// count.
struct ChunkTally: Sendable {
  /// Stops at the largest number instead of overflowing.
  private(set) var chunks: UInt64 = 0
  /// Chunks that this run reads.
  private(set) var chosen: UInt64 = 0
  /// Whether a map node is unusable.
  private(set) var isBroken = false

  static let broken: ChunkTally = {
    var tally = ChunkTally()
    tally.isBroken = true
    return tally
  }()

  mutating func add(isChosen: Bool) {
    chunks = chunks.addingOrMaximum(1)
    if isChosen { chosen = chosen.addingOrMaximum(1) }
  }

  mutating func add(_ other: ChunkTally) {
    chunks = chunks.addingOrMaximum(other.chunks)
    chosen = chosen.addingOrMaximum(other.chosen)
    isBroken = isBroken || other.isBroken
  }
}

extension UInt64 {
  func addingOrMaximum(_ other: UInt64) -> UInt64 {
    let (sum, hasOverflow) = addingReportingOverflow(other)
    return hasOverflow ? .max : sum
  }
}

/// A revision whose maps have been walked completely.
struct WalkedRevision: Sendable {
  let entry: RevisionEntry
  let tally: ChunkTally
  /// Whether the policy reads every chunk.
  let readsAll: Bool
}

/// A batch of chunks to read, from one or several revisions, and the other results of the walk.
struct VerificationWork: Sendable {
  struct MapDamage: Sendable {
    let volume: VerifiedVolume
    let id: ContentID
    let error: MapError
  }

  var chunks: [VerifiedChunk] = []
  /// The number of chunks that a sample omits.
  var passedOver: UInt64 = 0
  var mapDamages: [MapDamage] = []
  /// Damaged copies of map nodes, even if another copy is readable.
  var damagedNodes: [DamagedCopy] = []
  /// Revisions whose chunks are all in this batch or in earlier ones.
  var walked: [WalkedRevision] = []

  var isEmpty: Bool {
    chunks.isEmpty && passedOver == 0 && mapDamages.isEmpty && damagedNodes.isEmpty
      && walked.isEmpty
  }
}

/// The result of a batch.
struct VerificationOutcome: Sendable {
  let work: VerificationWork
  var checked: UInt64 = 0
  var bytes: UInt64 = 0
  var changedAtSource: UInt64 = 0
  /// The failed chunks, in the order of the walk.
  var failures: [(chunk: VerifiedChunk, error: StoreError)] = []
  /// Damaged copies, even if another copy is readable.
  var damagedCopies: [DamagedCopy] = []
}
