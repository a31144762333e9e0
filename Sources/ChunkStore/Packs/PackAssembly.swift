import ChunkFormat

/// Records that wait to become one pack.
struct PackAssembly {
  /// Where there is no reason for another; see ``isFull``.
  static let standardTargetBytes = 32 << 20

  private(set) var records: [PreparedRecord] = []
  private(set) var packedBytes = 0
  let sealing: Sealing
  let targetBytes: Int

  init(sealing: Sealing, targetBytes: Int) {
    self.sealing = sealing
    self.targetBytes = targetBytes
  }

  var isEmpty: Bool { records.isEmpty }
  /// Whether the records have reached the target and are to become a pack.
  var isFull: Bool { packedBytes >= targetBytes }

  mutating func append(_ record: PreparedRecord) {
    packedBytes += record.packedBytes(sealing: sealing)
    records.append(record)
  }

  /// Puts `earlier` before what is here.
  mutating func prepend(_ earlier: PackAssembly) {
    records = earlier.records + records
    packedBytes += earlier.packedBytes
  }

  /// Drops every record of which `isStored` is true; returns the ids of those dropped.
  mutating func drop<Failure: Error>(
    where isStored: (ContentID) throws(Failure) -> Bool
  ) throws(Failure) -> [ContentID] {
    var kept = PackAssembly(sealing: sealing, targetBytes: targetBytes)
    var dropped: [ContentID] = []
    for record in records {
      if try isStored(record.id) {
        dropped.append(record.id)
      } else {
        kept.append(record)
      }
    }
    self = kept
    return dropped
  }
}
