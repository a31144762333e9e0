import ChunkFormat
import ChunkStore
import VolumeMap
import Workers

/// Repairs every record that it visits.
struct HealingWalk: ContentVisitor {
  private let healer: RecordHealer
  private let cancellation: CancellationFlag

  var walk = ContentWalk()

  init(healer: RecordHealer, cancellation: CancellationFlag) {
    self.healer = healer
    self.cancellation = cancellation
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
    try cancellation.check()
    guard walk.enter(id, at: position) else { return false }
    // A missing node shows when it is read.
    if try healer.heal(id, type: .mapNode) == .healed { walk.noteMended() }
    return true
  }

  mutating func visit(chunk id: ContentID, at bytes: Range<UInt64>) throws {
    switch try healer.heal(id, type: .chunk) {
    case .intact: return
    case .healed: walk.noteMended()
    case .lost:
      walk.noteLoss(of: id, at: bytes, "no intact copy of chunk \(id) is in either repository")
    }
  }
}
