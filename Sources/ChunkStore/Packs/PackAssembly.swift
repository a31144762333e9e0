import ChunkFormat

/// Records that wait to become one pack.
struct PackAssembly {
  /// A pack is closed when its records reach this.
  static let targetBytes = 32 << 20

  private(set) var records: [PreparedRecord] = []
  private(set) var packedBytes = 0
  let sealing: Sealing

  init(sealing: Sealing) { self.sealing = sealing }

  var isEmpty: Bool { records.isEmpty }
  var isFull: Bool { packedBytes >= Self.targetBytes }

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
    var kept = PackAssembly(sealing: sealing)
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
