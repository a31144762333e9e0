import ChunkFormat
import ChunkStore

extension RecordStore {
  /// Numbers all records, so that it can be noted which are needed. The index must be in line with the
  /// packs, and stay the one that it is.
  func liveRecords(progress: () throws -> Void) throws -> LiveRecords {
    LiveRecords(try numbers(progress: progress), of: index)
  }

  /// Tells whose each record is, once it has been told who refers to what.
  ///
  /// - Parameter jobOf: the number of the job of each revision.
  func recordOwners(_ live: LiveRecords, jobOf: [Int]) throws(StoreError) -> RecordOwners {
    try RecordOwners(live, store: self, jobOf: { jobOf[$0] })
  }

  /// Adds up what is needed of every pack that is listed.
  ///
  /// - Parameter counted: told of every record that is needed, with the copy that stays.
  func survey(
    _ live: LiveRecords, absent: AbsentContent, counted: @escaping (PackEntry) -> Void = { _ in },
    progress: () throws -> Void
  ) throws -> Survey {
    var surveyor = Surveyor(live, absent: absent)
    surveyor.counted = counted
    return try surveyor.run(index, progress: progress)
  }

  /// Deltas that revisions refer to, by their bases, of which only `bases` are asked for.
  func deltas(
    on bases: Set<ContentID>, _ live: LiveRecords
  ) throws(StoreError) -> [ContentID: Set<ContentID>] {
    var deltas: [ContentID: Set<ContentID>] = [:]
    try index.read { index throws(StoreError) in
      try index.forEachRecord { id, record in
        if let base = record.entry.base, bases.contains(base),
          live.isNeeded(id, record.entry.type)
        {
          deltas[base, default: []].insert(id)
        }
        return true
      }
    }
    return deltas
  }
}
