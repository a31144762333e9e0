import ChunkFormat
import ChunkStore

/// Deletes condemned packs. Checks the contents of each pack once more before that.
struct Sweep {
  /// How many packs are deleted at a time. They are deleted in the order of their names, so that
  /// each directory is synchronised only once.
  private static let batchPacks = 1 << 14

  private let repository: Repository
  private let live: LiveRecords
  /// Copies of records that do not count.
  private let absent: AbsentContent
  /// The packs that this collection has written. They need no second check.
  private let own: Set<PackID>
  private let reader: RecordReader

  /// Whether a base has become needed since the packs were judged.
  private var keptBases = false
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

  /// Deletes the packs of `condemnations` that have no needed record, and pardons the others.
  ///
  /// All packs are judged before the first one is deleted, because a pardoned pack may have deltas
  /// whose bases are in another pack. Call this after every awaited session has ended and the roots
  /// have then been marked.
  mutating func carryOut(
    _ condemnations: [StoredCondemnation], progress: () throws -> Void
  ) throws {
    var going: [Candidate] = []
    for (id, kind) in condemnations.flatMap(\.condemnation.packs) {
      try progress()
      if let candidate = try judge(id, kind) { going.append(candidate) }
    }
    while keptBases {
      keptBases = false
      var stillGoing: [Candidate] = []
      for candidate in going {
        try progress()
        if let again = try judge(candidate.id, candidate.kind) { stillGoing.append(again) }
      }
      going = stillGoing
    }
    going.sort { ($0.kind.rawValue, $0.id) < ($1.kind.rawValue, $1.id) }
    for first in stride(from: 0, to: going.count, by: Self.batchPacks) {
      try delete(going[first..<min(first + Self.batchPacks, going.count)])
    }
    for stored in condemnations { try repository.endCondemnation(stored.name) }
  }

  /// A pack without a needed record.
  private struct Candidate {
    let id: PackID
    let kind: PackKind
    let lengthBytes: UInt64
  }

  /// Deletes packs. Also removes the quarantine entries for copies in them.
  private mutating func delete(_ packs: ArraySlice<Candidate>) throws(StoreError) {
    try repository.records.delete(packs.map { ($0.id, $0.kind) })
    deletedPacks += packs.count
    deletedBytes = deletedBytes.saturatingAdding(packs.map(\.lengthBytes).saturatingSum())
    try repository.releaseQuarantine(ofPacks: Set(packs.map(\.id)))
  }

  /// Decides whether a pack can be deleted.
  ///
  /// - Returns: nil if the pack is pardoned or does not exist.
  private mutating func judge(
    _ id: PackID, _ kind: PackKind
  ) throws(StoreError) -> Candidate? {
    let (records, lengthBytes): ([RecordLocation], UInt64)
    do throws(StoreError) {
      (records, lengthBytes) = try repository.records.contents(ofPack: id, kind)
    } catch  where error.code == .notFound {
      // An interrupted collection has deleted it already.
      return nil
    } catch  where error.code == .damaged {
      // The contents of a damaged pack are not known for certain.
      damaged.append((id, error.message))
      pardonedPacks += 1
      return nil
    }
    var isPardoned = false
    for record in records where live.isNeeded(record.entry.id, record.entry.type) {
      guard try !isElsewhere(record.entry.id) else { continue }
      isPardoned = true
      // The copy that was expected elsewhere is damaged. So this copy is needed, and so is its
      // base.
      if let base = record.entry.base, live.keep(base, record.entry.type) { keptBases = true }
    }
    guard !isPardoned else {
      pardonedPacks += 1
      return nil
    }
    return Candidate(id: id, kind: kind, lengthBytes: lengthBytes)
  }

  /// Whether another pack has a good copy whose base, if any, is kept.
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
