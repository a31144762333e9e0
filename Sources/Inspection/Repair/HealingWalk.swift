import ChunkFormat
import ChunkStore
import VolumeMap
import Workers

/// Walks maps and heals what is met. What lies under a node where nothing was amiss is not looked at
/// again for the next revision.
struct HealingWalk: MapVisitor {
  private let healer: RecordHealer
  private let cancellation: CancellationFlag
  private var subtrees = WholeSubtrees()
  private var geometry: MapGeometry?
  private var subject: (entry: RevisionEntry, name: String)?

  /// Places where something was amiss, healed or not.
  private(set) var touched = 0
  private(set) var losses = LossList()

  init(healer: RecordHealer, cancellation: CancellationFlag) {
    self.healer = healer
    self.cancellation = cancellation
  }

  mutating func run(_ map: MapRoot, of entry: RevisionEntry, named name: String) throws {
    (subject, geometry) = ((entry, name), map.geometry)
    try map.walk(reading: healer, &self)
    subtrees.end(amiss: touched)
  }

  mutating func run(
    _ attachment: Attachment, of entry: RevisionEntry, chunkSizeBytes: Int
  ) throws {
    subject = (entry, attachment.name)
    for (number, id) in attachment.chunks.enumerated() {
      let start = UInt64(number * chunkSizeBytes)
      try heal(id, at: start..<min(start + UInt64(chunkSizeBytes), attachment.sizeBytes))
    }
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
    try cancellation.check()
    guard subtrees.enter(id, at: position, amiss: touched) else { return false }
    if case .intact = try healer.heal(id, type: .mapNode) { return true }
    touched += 1
    return true
  }

  mutating func visit(chunk id: ContentID, number: UInt64) throws {
    guard let geometry else { return }
    try heal(id, at: geometry.bytes(ofChunk: number))
  }

  mutating func visit(damaged error: MapError, at position: NodePosition) throws {
    if let cause = error.cause as? StoreError, !cause.isDamage { throw cause }
    note(error.bytes ?? 0..<(geometry?.sizeBytes ?? 0), "\(error)")
  }

  private mutating func heal(_ id: ContentID, at bytes: Range<UInt64>) throws {
    switch try healer.heal(id, type: .chunk) {
    case .intact: return
    case .healed: touched += 1
    case .lost: note(bytes, "no intact copy of chunk \(id) is in either repository")
    }
  }

  private mutating func note(_ bytes: Range<UInt64>, _ message: String) {
    touched += 1
    guard let (entry, name) = subject else { return }
    losses.add(
      Loss(
        job: entry.revision.job, revision: entry.id.description, name: name,
        offsetBytes: bytes.lowerBound, lengthBytes: UInt64(bytes.count), message: message))
  }
}
