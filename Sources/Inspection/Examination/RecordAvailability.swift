package import ChunkFormat
package import ChunkStore

/// Tells which records can be had: some copy is in a pack that is there, is not known to be damaged, and
/// has its base.
package struct RecordAvailability: Sendable {
  private let records: RecordStore
  private let present: Set<PackID>
  private let quarantined: Set<AbsentRecord>
  /// Of packs in which something is wrong: the records that are right.
  private let intact: [PackID: Set<ContentID>]

  /// - Parameters:
  ///   - present: packs whose files are there; others that the index lists meanwhile are looked for.
  ///   - quarantined: copies that are known to be damaged.
  ///   - examined: packs in which something is wrong.
  package init(
    records: RecordStore, present: Set<PackID>, quarantined: Set<AbsentRecord>,
    examined: [PackExamination] = []
  ) {
    self.records = records
    self.present = present
    self.quarantined = quarantined
    var intact: [PackID: Set<ContentID>] = [:]
    for pack in examined {
      intact[pack.file.id, default: []].formUnion(pack.intact.map(\.entry.id))
    }
    self.intact = intact
  }

  /// Whether a reader would get the record.
  package func isAvailable(_ id: ContentID, type: RecordType) throws(StoreError) -> Bool {
    let lookup = ContinuousClock.now
    if try isAvailable(id, type: type, deltas: 0) { return true }
    // The index may be wrong about what the packs hold.
    guard try records.rebuildBeforeLoss(after: lookup) else { return false }
    return try isAvailable(id, type: type, deltas: 0)
  }

  /// Whether this very copy is thought to be right.
  package func isUsable(_ copy: RecordLocation) throws(StoreError) -> Bool {
    let (pack, id) = (copy.pack.id, copy.entry.id)
    guard intact[pack].map({ $0.contains(id) }) ?? true,
      !quarantined.contains(AbsentRecord(pack: pack, id: id))
    else { return false }
    if present.contains(pack) { return true }
    // Garbage collection may have moved the record to a new pack.
    return try records.isThere(copy.pack)
  }

  private func isAvailable(
    _ id: ContentID, type: RecordType, deltas: Int
  ) throws(StoreError) -> Bool {
    guard deltas < PackIndex.maximumDeltas else { return false }
    for copy in try records.copies(of: id) where copy.entry.type == type {
      guard try isUsable(copy) else { continue }
      guard let base = copy.entry.base else { return true }
      if try isAvailable(base, type: type, deltas: deltas + 1) { return true }
    }
    return false
  }
}
