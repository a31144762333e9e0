import ChunkFormat
import ChunkStore
import VolumeMap
import Workers

/// Searches for content that cannot be read.
struct LossSearch: ContentVisitor {
  private let availability: RecordAvailability
  private let cancellation: CancellationFlag

  var walk = ContentWalk()
  private(set) var nodes: UInt64 = 0
  private(set) var chunks: UInt64 = 0

  init(availability: RecordAvailability, cancellation: CancellationFlag) {
    self.availability = availability
    self.cancellation = cancellation
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
    try cancellation.check()
    guard walk.enter(id, at: position) else { return false }
    nodes += 1
    return true
  }

  mutating func visit(chunk id: ContentID, at bytes: Range<UInt64>) throws {
    chunks += 1
    guard try !availability.isAvailable(id, type: .chunk) else { return }
    walk.noteLoss(of: id, at: bytes, "no intact copy of chunk \(id) is in the repository")
  }
}
