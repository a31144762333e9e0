import ChunkFormat
import ChunkStore
import VolumeMap
import Workers

/// Walks maps and looks for content that cannot be had. What lies under a node without a loss is not
/// looked at again for the next revision.
struct LossSearch: MapVisitor {
  /// Ids of lost records remembered, which bounds the memory.
  private static let rememberedLosses = 1 << 20

  private let availability: RecordAvailability
  private let cancellation: CancellationFlag
  private var subtrees = WholeSubtrees()
  private var lossCount = 0
  private var geometry: MapGeometry?
  private var subject: (entry: RevisionEntry, name: String)?

  private(set) var nodes: UInt64 = 0
  private(set) var chunks: UInt64 = 0
  private(set) var losses = LossList()
  /// What was found lost; not complete where ``hasForgotten``.
  private(set) var lost: Set<ContentID> = []
  private(set) var hasForgotten = false

  init(availability: RecordAvailability, cancellation: CancellationFlag) {
    self.availability = availability
    self.cancellation = cancellation
  }

  /// Looks at a volume.
  mutating func search(
    _ map: MapRoot, of entry: RevisionEntry, named name: String, reading nodes: any NodeReading
  ) throws {
    (subject, geometry) = ((entry, name), map.geometry)
    try map.walk(reading: nodes, &self)
    subtrees.end(amiss: lossCount)
  }

  /// Looks at an attachment.
  mutating func search(
    _ attachment: Attachment, of entry: RevisionEntry, chunkSizeBytes: Int
  ) throws {
    subject = (entry, attachment.name)
    for (number, id) in attachment.chunks.enumerated() {
      chunks += 1
      let start = UInt64(number * chunkSizeBytes)
      if try !availability.isAvailable(id, type: .chunk) {
        note(id, at: start..<min(start + UInt64(chunkSizeBytes), attachment.sizeBytes))
      }
    }
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
    try cancellation.check()
    guard subtrees.enter(id, at: position, amiss: lossCount) else { return false }
    nodes += 1
    return true
  }

  mutating func visit(chunk id: ContentID, number: UInt64) throws {
    chunks += 1
    guard try !availability.isAvailable(id, type: .chunk), let geometry else { return }
    note(id, at: geometry.bytes(ofChunk: number))
  }

  mutating func visit(damaged error: MapError, at position: NodePosition) throws {
    if let cause = error.cause as? StoreError, !cause.isDamage { throw cause }
    let bytes = error.bytes ?? 0..<(geometry?.sizeBytes ?? 0)
    note(subtrees.id(at: position), at: bytes, "\(error)")
  }

  private mutating func note(
    _ id: ContentID?, at bytes: Range<UInt64>, _ message: String? = nil
  ) {
    lossCount += 1
    if let id, lost.count < Self.rememberedLosses { lost.insert(id) } else { hasForgotten = true }
    guard let (entry, name) = subject else { return }
    let chunk = id.map { " \($0)" } ?? ""
    losses.add(
      Loss(
        job: entry.revision.job, revision: entry.id.description, name: name,
        offsetBytes: bytes.lowerBound, lengthBytes: UInt64(bytes.count),
        message: message ?? "no intact copy of chunk\(chunk) is in the repository"))
  }
}
