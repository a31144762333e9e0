import ChunkFormat
import ChunkStore

/// Deletes condemned packs, each after a last look at its contents.
struct Sweep {
  /// This many packs are deleted at a time, in the order of their names, so that each directory is
  /// made durable once.
  private static let batchPacks = 1 << 14

  private let repository: Repository
  private let live: LiveRecords
  /// Copies that do not count.
  private let absent: AbsentContent
  /// Packs that this collection wrote: it need not check them again.
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

  /// Deletes those packs of `condemnations` in which nothing is needed; the others are pardoned.
  ///
  /// All packs are judged before the first is deleted: a pardoned pack may hold deltas of bases in
  /// another. Call this when every awaited session has ended and the roots were marked after that.
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

  /// A pack without anything that is needed.
  private struct Candidate {
    let id: PackID
    let kind: PackKind
    let lengthBytes: UInt64
  }

  /// Removes the quarantine entries of copies in these packs too.
  private mutating func delete(_ packs: ArraySlice<Candidate>) throws(StoreError) {
    try repository.records.delete(packs.map { ($0.id, $0.kind) })
    deletedPacks += packs.count
    deletedBytes = deletedBytes.saturatingAdding(packs.map(\.lengthBytes).saturatingSum())
    try repository.releaseQuarantine(ofPacks: Set(packs.map(\.id)))
  }

  /// - Returns: nil if the pack is pardoned or gone.
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
      // Its contents are not known for certain.
      damaged.append((id, error.message))
      pardonedPacks += 1
      return nil
    }
    var isPardoned = false
    for record in records where live.isNeeded(record.entry.id, record.entry.type) {
      guard try !isElsewhere(record.entry.id) else { continue }
      isPardoned = true
      // The copy that was counted on is bad. This one is needed instead, and so is its base.
      if let base = record.entry.base, live.keep(base, record.entry.type) { keptBases = true }
    }
    guard !isPardoned else {
      pardonedPacks += 1
      return nil
    }
    return Candidate(id: id, kind: kind, lengthBytes: lengthBytes)
  }

  /// Whether another pack has a good copy that does not need anything that may be deleted.
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
