import ChunkFormat
import ChunkStore

/// Deletes condemned packs, each after a last look at what it holds itself.
struct Sweep {
  /// So many packs are deleted at a time, so that the directories are made durable seldom.
  private static let batchPacks = 256

  private let repository: Repository
  private let live: LiveRecords
  /// Copies that do not count.
  private let absent: AbsentContent
  /// Packs that this collection wrote; what it has just read and written needs no second look.
  private let own: Set<PackID>
  private let reader: RecordReader

  private(set) var deletedPacks = 0
  private(set) var deletedBytes: UInt64 = 0
  private(set) var pardonedPacks = 0
  private(set) var damaged: [(pack: PackID, message: String)] = []

  init(
    repository: Repository, live: LiveRecords, absent: AbsentContent, own: Set<PackID>
  ) throws {
    self.repository = repository
    self.live = live
    self.absent = absent
    self.own = own
    reader = try RecordReader(store: repository.records)
  }

  /// Deletes what is not needed of the packs that `stored` condemns; the others are pardoned.
  ///
  /// To be called when every session that it awaits has ended, and the roots were marked after that.
  mutating func carryOut(
    _ stored: StoredCondemnation, progress: () throws -> Void
  ) throws {
    var batch: [(id: PackID, kind: PackKind)] = []
    for (id, kind) in stored.condemnation.packs {
      try progress()
      guard let lengthBytes = try lengthIfDispensable(id, kind) else { continue }
      batch.append((id, kind))
      deletedPacks += 1
      deletedBytes += lengthBytes
      if batch.count == Self.batchPacks {
        try delete(batch)
        batch = []
      }
    }
    try delete(batch)
    try repository.endCondemnation(stored.name)
  }

  /// With the packs goes what is said of damaged copies in them.
  private func delete(_ packs: [(id: PackID, kind: PackKind)]) throws(StoreError) {
    try repository.records.delete(packs)
    try repository.releaseQuarantine(ofPacks: Set(packs.map(\.id)))
  }

  /// The length of the pack where it can go; nil where it is pardoned or gone.
  private mutating func lengthIfDispensable(
    _ id: PackID, _ kind: PackKind
  ) throws(StoreError) -> UInt64? {
    let records: [RecordLocation]
    do throws(StoreError) {
      records = try repository.records.records(inPack: id, kind)
    } catch  where error.code == .notFound {
      // Deleted before, by a collection that was interrupted.
      return nil
    } catch  where error.code == .damaged {
      // What it holds cannot be told for sure.
      damaged.append((id, error.message))
      pardonedPacks += 1
      return nil
    }
    for record in records where live.isNeeded(record.entry.id, record.entry.type) {
      guard try isElsewhere(record.entry.id) else {
        pardonedPacks += 1
        return nil
      }
    }
    return try repository.records.lengthBytes(ofPack: id, kind)
  }

  /// Whether another pack has a good copy, which does not lean on what may go.
  private func isElsewhere(_ id: ContentID) throws(StoreError) -> Bool {
    for copy in try repository.records.copies(of: id, absent: absent) {
      if let base = copy.entry.base, !live.isNeeded(base, copy.entry.type) { continue }
      if own.contains(copy.pack.id) { return true }
      do throws(StoreError) {
        _ = try reader.extract(copy)
        return true
      } catch {
        continue
      }
    }
    return false
  }
}
