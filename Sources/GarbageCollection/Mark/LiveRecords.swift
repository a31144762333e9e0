import ChunkFormat
import ChunkStore

/// Which records are needed, of those that were in the index at one moment: a bit for each.
///
/// Two questions are kept apart. *Marked* is what revisions refer to; *needed* are besides the bases of
/// those that are stored as deltas. A record that was not in the index is needed: it came since.
/// For one thread.
final class LiveRecords {
  private let numbers: RecordNumbers
  /// By the records' numbers.
  private var marked: Bitmap
  private var needed: Bitmap
  private var newNodes: Set<ContentID> = []
  private var lost: Set<ContentID> = []
  private let index: PackIndex
  /// Whether bases are looked up for every record that is marked: after the survey, which has looked up
  /// all before.
  var looksUpBases = false

  /// Records that are marked.
  private(set) var markedCount = 0
  /// Chunks that revisions refer to, which came since or never, and that no pack holds with all they lean
  /// on; counted up to a limit.
  var lostCount: Int { lost.count }
  /// Records that the index held.
  var knownCount: Int { numbers.count }

  /// So many lost chunks are counted: who has lost more need not know how many.
  private static let maximumLost = 1 << 16

  /// Nothing is marked at first.
  init(_ numbers: RecordNumbers, of index: PackIndex) {
    (self.numbers, self.index) = (numbers, index)
    marked = Bitmap(count: numbers.count)
    needed = Bitmap(count: numbers.count)
  }

  /// Whether the index is still the one that was numbered. One that was made anew since may lack packs
  /// that could not be read then, and with them deltas and the bases that these lean on.
  var isOfIndex: Bool { numbers.isOfIndex }

  // MARK: - Marking

  /// A revision refers to the chunk.
  func mark(chunk id: ContentID) throws(StoreError) {
    guard let place = place(of: id, .chunk) else {
      try noteIfLost(id)
      return try keepBase(ofNew: id)
    }
    _ = try mark(id, at: place)
  }

  /// A revision refers to the node.
  ///
  /// - Returns: whether that was not known; then what lies under it is to be marked too.
  func mark(node id: ContentID) throws(StoreError) -> Bool {
    guard let place = place(of: id, .mapNode) else {
      guard newNodes.insert(id).inserted else { return false }
      try keepBase(ofNew: id)
      return true
    }
    return try mark(id, at: place)
  }

  /// - Returns: whether that is new.
  private func mark(_ id: ContentID, at place: Int) throws(StoreError) -> Bool {
    guard marked.insert(place) else { return false }
    markedCount += 1
    if looksUpBases, needed.insert(place) {
      try noteIfLost(id)
      try keepBase(ofNew: id)
    }
    return true
  }

  /// The survey does that for what is marked before it.
  private func noteIfLost(_ id: ContentID) throws(StoreError) {
    guard lost.count < Self.maximumLost, try !index.contains(id, absent: AbsentContent())
    else { return }
    lost.insert(id)
  }

  private func keepBase(ofNew id: ContentID) throws(StoreError) {
    guard looksUpBases else { return }
    try keepBases(of: id, deltas: 0)
  }

  /// A delta may be of a delta, though no writer makes one.
  private func keepBases(of id: ContentID, deltas: Int) throws(StoreError) {
    guard deltas < PackIndex.maximumDeltas else { return }
    for record in try index.records(of: id) {
      guard let base = record.entry.base, keep(base, record.entry.type) else { continue }
      try keepBases(of: base, deltas: deltas + 1)
    }
  }

  // MARK: - Asking

  /// The record's number; nil for one that came since.
  func place(of id: ContentID, _ type: RecordType) -> Int? { numbers.number(of: id, type) }

  /// Whether the record was in the index when it was numbered.
  func isKnown(_ id: ContentID, _ type: RecordType) -> Bool { place(of: id, type) != nil }

  /// Whether a revision refers to the record.
  func isMarked(_ id: ContentID, _ type: RecordType) -> Bool {
    place(of: id, type).map { marked[$0] } ?? true
  }

  /// Whether a revision, or a delta that one refers to, cannot do without the record.
  func isNeeded(_ id: ContentID, _ type: RecordType) -> Bool {
    place(of: id, type).map { needed[$0] } ?? true
  }

  /// Whether no revision refers to the record and only deltas lean on it.
  func isOnlyBase(_ id: ContentID, _ type: RecordType) -> Bool {
    isNeeded(id, type) && !isMarked(id, type)
  }

  /// Nothing leans on the record any more, which no revision refers to.
  func release(base id: ContentID, _ type: RecordType) {
    guard let place = place(of: id, type), !marked[place] else { return }
    needed.remove(place)
  }

  /// Notes that the record is needed; returns whether that is new. It never is for one that came since.
  func keep(_ id: ContentID, _ type: RecordType) -> Bool {
    place(of: id, type).map { needed.insert($0) } ?? false
  }
}
