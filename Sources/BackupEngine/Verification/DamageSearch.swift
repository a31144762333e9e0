import ChunkFormat
import ChunkStore
import VolumeMap

/// Looks for chunks that are known to be damaged.
struct DamageSearch: MapVisitor {
  let damaged: [ContentID: StoreError]
  var found: [(number: UInt64, error: StoreError)] = []

  init(damaged: [ContentID: StoreError]) { self.damaged = damaged }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { true }

  mutating func visit(chunk id: ContentID, number: UInt64) {
    if let error = damaged[id], found.count < VerificationReport.listedDamages {
      found.append((number, error))
    }
  }

  /// The reading of the differences has reported it.
  mutating func visit(damaged error: MapError, at position: NodePosition) {}
}
