import ChunkFormat
import ChunkStore

/// How much of a pack is needed.
struct PackUse: Sendable {
  let id: PackID
  let kind: PackKind
  /// Of the file.
  let lengthBytes: UInt64
  /// Whether somebody condemned the pack before.
  let isCondemned: Bool
  /// What all its records take, their headers included.
  var recordBytes: UInt64 = 0
  /// What the needed records take, their headers included. A record with several copies is needed
  /// once, in the pack that has the best.
  var neededBytes: UInt64 = 0
  var neededRecords = 0
  /// Of those, records that revisions refer to themselves; the others are bases of deltas.
  var markedRecords = 0

  init(_ pack: IndexedPack, isCondemned: Bool) {
    id = pack.id
    kind = pack.kind
    lengthBytes = pack.lengthBytes
    self.isCondemned = isCondemned
  }

  /// What the other records take.
  var deadBytes: UInt64 { recordBytes - min(recordBytes, neededBytes) }
}

/// How much of every pack is needed.
struct Survey: Sendable {
  var packs: [PackUse] = []
  /// Records that are needed and in no pack: lost, or stored since by somebody whose pack another
  /// machine's index has.
  var lostRecords = 0
}

/// Adds up, in one pass through the index, what is needed of every pack.
struct Surveyor {
  let live: LiveRecords
  let absent: AbsentContent
  /// Packs with a copy that is damaged, where others may be soon.
  private let damagedPacks: Set<PackID>
  /// Told of every record that is needed, with the copy that stays.
  var counted: (PackEntry) -> Void = { _ in }

  private var survey = Survey()
  /// Records that were numbered, that revisions refer to, and that the index still lists.
  private var markedCount = 0
  /// Position in `survey.packs` by the number in the index; −1 where none is listed.
  private var positions: [Int32] = []

  init(_ live: LiveRecords, absent: AbsentContent) {
    self.live = live
    self.absent = absent
    damagedPacks = Set(absent.records.map(\.pack))
  }

  mutating func run(
    _ index: PackIndex, progress: () throws -> Void
  ) throws -> Survey {
    var failure: (any Error)?
    try index.read { index throws(StoreError) in
      list(try index.packs())
      var (current, copies): (ContentID?, [IndexedRecord]) = (nil, [])
      var visited = 0
      try index.forEachRecord { id, record in
        if id != current {
          if let current {
            do { try visit(current, copies, index) } catch { failure = error }
          }
          current = id
          copies.removeAll(keepingCapacity: true)
          visited += 1
          if visited % (1 << 16) == 0 {
            do { try progress() } catch { failure = error }
          }
        }
        copies.append(record)
        return failure == nil
      }
      if let current, failure == nil {
        try visit(current, copies, index)
      }
    }
    if let failure { throw failure }
    live.looksUpBases = true
    // An index that was made anew since lacks what could not be read then.
    survey.lostRecords += max(0, live.markedCount - markedCount)
    return survey
  }

  private mutating func list(_ packs: [UInt32: IndexedPack]) {
    positions = Array(repeating: -1, count: Int(packs.keys.max() ?? 0) + 1)
    for (number, pack) in packs.sorted(by: { $0.key < $1.key }) {
      positions[Int(number)] = Int32(survey.packs.count)
      survey.packs.append(PackUse(pack, isCondemned: absent.packs.contains(pack.id)))
    }
  }

  private mutating func visit(
    _ id: ContentID, _ copies: [IndexedRecord], _ index: PackIndex.Reading
  ) throws(StoreError) {
    for copy in copies {
      guard let position = position(of: copy) else { continue }
      survey.packs[position].recordBytes += UInt64(copy.entry.rangeInPack.count)
    }
    let type = copies[0].entry.type
    guard live.isMarked(id, type) else { return }
    if live.isKnown(id, type) { markedCount += 1 }
    // Counted before where a delta leans on it, or where it came since the numbering.
    let isNew = live.keep(id, type) || !live.isKnown(id, type)
    guard isNew else { return try countMark(copies, index) }
    try count(id, copies, index, isMarked: true, deltas: 0)
  }

  /// Counts the best copy, and the base that it leans on.
  private mutating func count(
    _ id: ContentID, _ copies: [IndexedRecord], _ index: PackIndex.Reading, isMarked: Bool,
    deltas: Int
  ) throws(StoreError) {
    guard let (position, entry) = try best(of: copies, index) else {
      survey.lostRecords += 1
      return
    }
    counted(entry)
    let range = entry.rangeInPack
    survey.packs[position].neededBytes += UInt64(range.count)
    survey.packs[position].neededRecords += 1
    survey.packs[position].markedRecords += isMarked ? 1 : 0
    guard let base = entry.base, deltas < PackIndex.maximumDeltas,
      live.keep(base, entry.type) || !live.isKnown(base, entry.type)
    else { return }
    try count(base, try index.records(of: base), index, isMarked: false, deltas: deltas + 1)
  }

  /// A base that turns out to be referred to as well.
  private mutating func countMark(
    _ copies: [IndexedRecord], _ index: PackIndex.Reading
  ) throws(StoreError) {
    guard let (position, _) = try best(of: copies, index) else { return }
    survey.packs[position].markedRecords += 1
  }

  /// Nil where the copy's pack is not listed.
  private func position(of copy: IndexedRecord) -> Int? {
    let number = Int(copy.pack)
    guard number < positions.count, positions[number] >= 0 else { return nil }
    return Int(positions[number])
  }

  /// The copy that stays: undamaged and with its base, in a pack that stays and has no damage, no delta,
  /// the oldest.
  private func best(
    of copies: [IndexedRecord], _ index: PackIndex.Reading
  ) throws(StoreError) -> (position: Int, entry: PackEntry)? {
    var best: (position: Int, entry: PackEntry, rank: Int)?
    for copy in copies {
      guard let position = position(of: copy) else { continue }
      let pack = survey.packs[position].id
      let isDamaged = absent.records.contains(AbsentRecord(pack: pack, id: copy.entry.id))
      let lacksBase = try copies.count > 1 ? lacksBase(copy.entry, index) : false
      let rank =
        (isDamaged || lacksBase ? 8 : 0) + (absent.packs.contains(pack) ? 4 : 0)
        + (damagedPacks.contains(pack) ? 2 : 0) + (copy.entry.base == nil ? 0 : 1)
      if best.map({ rank < $0.rank }) ?? true { best = (position, copy.entry, rank) }
    }
    return best.map { ($0.position, $0.entry) }
  }

  /// Whether it is a delta whose base went while another copy was the one that stays.
  private func lacksBase(
    _ entry: PackEntry, _ index: PackIndex.Reading
  ) throws(StoreError) -> Bool {
    guard let base = entry.base else { return false }
    return try !index.records(of: base).contains { position(of: $0) != nil }
  }
}
