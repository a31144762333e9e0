package import ChunkFormat
import Synchronization

/// The records of a repository, found through the index. Any thread may ask.
///
/// An index that turns out damaged is replaced on the spot by one that is made of the packs; nobody who
/// asks notices more than the time it takes.
package final class RecordStore: Sendable {
  /// A comparison of index and packs that is younger than this is not repeated for a record that is
  /// missing: thousands of missing records shall not cost thousands of comparisons.
  private static let freshness = Duration.seconds(5)

  /// What is lost is not looked for in the packs more often than this.
  private static let rebuildInterval = Duration.seconds(3600)

  package let index: PackIndex
  private let packObjects: PackObjects
  private let lists: PackLists
  /// When the last comparison ended; held while one is going on.
  private let lastComparison = Mutex<ContinuousClock.Instant?>(nil)
  /// Whether there may be packs that the last comparison could not see.
  private let isOutdated = Atomic(false)
  /// When this process made an index of the packs alone.
  private let lastRebuild = Mutex<ContinuousClock.Instant?>(nil)
  /// When it could not, since a pack could not be read, and why.
  private let lastFailure = Mutex<(time: ContinuousClock.Instant, error: StoreError)?>(nil)

  init(index: PackIndex, packObjects: PackObjects) {
    self.index = index
    self.packObjects = packObjects
    lists = PackLists(packObjects: packObjects)
  }

  /// The best copy of each record, in the order of `ids`; nil where the index knows none.
  ///
  /// - Throws: ``StoreError`` where the index cannot be used.
  package func locate(_ ids: some Sequence<ContentID>) throws(StoreError) -> [RecordLocation?] {
    let found = try mending { () throws(StoreError) in try index.copies(of: ids) }
    var located: [RecordLocation?] = []
    for copies in found {
      located.append(try location(of: copies))
    }
    return located
  }

  /// Every copy of a record, the best first.
  package func copies(of id: ContentID) throws(StoreError) -> [RecordLocation] {
    let found = try mending { () throws(StoreError) in
      try index.copies(of: CollectionOfOne(id))
    }
    var copies: [RecordLocation] = []
    for copy in found[0] {
      copies.append(RecordLocation(pack: try packObjects.pack(copy.pack), entry: copy.entry))
    }
    return copies
  }

  /// What the store has of a content, from one look-up of the index; copies in `absent` do not count.
  ///
  /// - Parameter previous: what a new content may be a delta of, or has the base for it.
  func standing(
    of id: ContentID, after previous: ContentID?, absent: AbsentContent
  ) throws(StoreError) -> RecordStanding {
    let found = try mending { () throws(StoreError) in try index.lookUp(id, after: previous) }
    if try contains(id, absent: absent, lookingUp: found.copies(of:)) { return .stored }
    guard found.copies.isEmpty else { return .unreliable }
    return .new(base: try base(after: previous, found, absent: absent))
  }

  /// The record that a successor of `previous` is a delta of: itself, or its own base, since a base is
  /// never a delta.
  private func base(
    after previous: ContentID?, _ found: IndexAnswer, absent: AbsentContent
  ) throws(StoreError) -> DeltaBase? {
    guard let previous, let best = found.copies(of: previous).first else { return nil }
    let id = best.entry.base ?? previous
    var copies: [RecordLocation] = []
    for (pack, entry) in found.copies(of: id)
    where entry.base == nil && !absent.includes(id, in: pack.id) {
      if try lists.confirm(entry, in: pack) {
        copies.append(RecordLocation(pack: try packObjects.pack(pack), entry: entry))
      }
    }
    return copies.isEmpty ? nil : DeltaBase(id: id, copies: copies)
  }

  /// Whether a pack that is there holds the record, and its base where it is a delta; copies in `absent`
  /// do not count. The packs' own lists confirm what the index says.
  func contains(
    _ id: ContentID, absent: AbsentContent, deltas: Int = 0,
    lookingUp copies: (ContentID) throws(StoreError) -> [(pack: IndexedPack, entry: PackEntry)]
  ) throws(StoreError) -> Bool {
    for (pack, entry) in try copies(id) where !absent.includes(id, in: pack.id) {
      guard try lists.confirm(entry, in: pack) else { continue }
      guard let base = entry.base else { return true }
      // A delta without its base is lost: it must be stored again while its content is at hand.
      if deltas < PackIndex.maximumDeltas,
        try contains(base, absent: absent, deltas: deltas + 1, lookingUp: copies)
      {
        return true
      }
    }
    return false
  }

  /// Runs `body` while no other process and no other thread can change the index; once more where the
  /// index had to be made anew.
  func write<Result>(
    _ body: (PackIndex.Writing) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try mending { () throws(StoreError) in try index.write(body) }
  }

  /// Asks the system to read these packs from storage next time, rather than from memory.
  package func forgetCached(_ packs: [StoredPack]) throws(StoreError) {
    for pack in packs {
      try packObjects.pack(pack.indexed).forgetCached()
    }
  }

  /// Takes packs off the index whose files are others now; the next comparison lists what is there.
  package func unlist(_ packs: Set<PackID>) throws(StoreError) {
    for pack in packs {
      packObjects.forget(pack)
    }
    try write { index throws(StoreError) in
      for pack in packs {
        try index.remove(pack)
      }
    }
  }

  /// What the index says of a pack; nil where it does not list it.
  package func indexed(_ id: PackID) throws(StoreError) -> IndexedPack? {
    try mending { () throws(StoreError) in try index.pack(id) }
  }

  func indexSummary() throws(StoreError) -> IndexSummary {
    try mending { () throws(StoreError) in
      IndexSummary(
        directory: index.path, packs: try index.packs().count, records: try index.recordCount())
    }
  }

  /// Packs that the index lists and whose files are not there, and packs whose files are there and that
  /// it does not list.
  package func indexDifferences() throws(StoreError) -> (stale: [PackID], missing: [PackID]) {
    let listed = try mending { () throws(StoreError) in try index.packs() }
    let present = try packsPresent()
    return (
      stale: listed.subtracting(present).sorted(), missing: present.subtracting(listed).sorted()
    )
  }

  /// Whether the index has every record of a pack where it is.
  package func indexLists(_ records: [RecordLocation]) throws(StoreError) -> Bool {
    let found = try mending { () throws(StoreError) in
      try index.copies(of: records.map(\.entry.id))
    }
    return zip(records, found).allSatisfy { record, copies in
      copies.contains { $0.pack.id == record.pack.id && $0.entry == record.entry }
    }
  }

  /// Names of the packs whose files are there.
  ///
  /// - Throws: ``StoreError`` where they cannot be listed.
  package func packsPresent() throws(StoreError) -> Set<PackID> {
    Set(try packObjects.list().map(\.id))
  }

  /// Whether a pack's file is there.
  package func isThere(_ pack: Pack) throws(StoreError) -> Bool {
    try packObjects.isThere(pack.id, pack.kind)
  }

  /// A pack as it lies on disk.
  func openPack(_ id: PackID, _ kind: PackKind) throws(StoreError) -> Pack {
    do throws(StoreError) {
      return try packObjects.pack(id, kind: kind)
    } catch {
      guard error.code == .fileSystem, try !packObjects.isThere(id, kind) else { throw error }
      throw StoreError(.notFound, "pack \(id) is gone", pack: id)
    }
  }

  /// Deletes the packs' files, durably.
  func deleteFiles(_ packs: [(id: PackID, kind: PackKind)]) throws(StoreError) {
    try packObjects.delete(packs)
  }

  /// Gives back the space of packs that were deleted while this process had them open. To be called now
  /// and then by one that stays.
  package func releaseDeleted() { packObjects.releaseDeleted() }

  /// Compares index and packs.
  package func synchronize(
    progress: (IndexProgress) throws -> Void = { _ in }
  ) throws -> IndexChanges {
    try comparing { try compare(progress: progress) }
  }

  /// Makes a new index of the packs, which takes the place of the old one.
  func rebuild(progress: (IndexProgress) throws -> Void) throws -> IndexChanges {
    try comparing { try rebuildAndRemember(needsAllPacks: false, progress: progress) }
  }

  /// Replaces an index that turned out to be damaged.
  func mend() throws(StoreError) {
    try lastComparison.withLock { last throws(StoreError) in
      try withoutProgress { try mend(progress: $0) }
      last = .now
    }
  }

  /// Makes a new index because something seems to be in no pack, unless this process has made one
  /// within the last hour: only then it may be said to be lost.
  ///
  /// - Parameter lookup: when the index was asked.
  /// - Returns: whether to look again, also where another thread has made a new index since.
  /// - Throws: ``StoreError``, also where a pack cannot be read now: what seems to be lost may be in it.
  package func rebuildBeforeLoss(after lookup: ContinuousClock.Instant) throws(StoreError) -> Bool {
    try lastComparison.withLock { last throws(StoreError) in
      let made = lastRebuild.withLock { $0 }
      if let made, made > lookup { return true }
      guard made.map({ $0.duration(to: .now) > Self.rebuildInterval }) ?? true else { return false }
      if let failure = lastFailure.withLock({ $0 }),
        failure.time.duration(to: .now) < Self.freshness
      {
        throw failure.error
      }
      do throws(StoreError) {
        try withoutProgress { try rebuildAndRemember(needsAllPacks: true, progress: $0) }
      } catch {
        lastFailure.withLock { $0 = (.now, error) }
        throw error
      }
      last = .now
      return true
    }
  }

  /// Compares index and packs because a record was not where the index says.
  ///
  /// - Parameters:
  ///   - lookup: when the index was asked. Nothing is done where somebody else has compared since.
  ///   - lost: a pack that the index names and that is gone. Without one, nothing is done where the
  ///     last comparison was a moment ago and no new revision was seen since.
  /// - Returns: whether to look again.
  func refresh(
    after lookup: ContinuousClock.Instant, losing lost: PackID? = nil
  ) throws(StoreError) -> Bool {
    try lastComparison.withLock { last throws(StoreError) in
      if let last, last > lookup { return true }
      let isOutdated = isOutdated.exchange(false, ordering: .sequentiallyConsistent)
      let isFresh = last.map { $0.duration(to: .now) < Self.freshness } ?? false
      guard isOutdated || !isFresh || lost != nil else { return false }
      try compareWithoutProgress()
      last = .now
      return true
    }
  }

  /// Says that a revision was seen for the first time: its records may be in packs that another
  /// process has stored since the last comparison, and that this machine's index does not list.
  func expectNewPacks() {
    isOutdated.store(true, ordering: .sequentiallyConsistent)
  }

  private func comparing(_ body: () throws -> IndexChanges) throws -> IndexChanges {
    try lastComparison.withLock { last in
      isOutdated.store(false, ordering: .sequentiallyConsistent)
      let changes = try body()
      last = .now
      return changes
    }
  }

  private func compare(progress: (IndexProgress) throws -> Void) throws -> IndexChanges {
    try whereThereIsRoom {
      let synchronizer = IndexSynchronizer(index: index, packObjects: packObjects)
      do {
        return try synchronizer.run(progress: progress)
      } catch let error as StoreError where error.code == .damagedIndex {
        return try mend(progress: progress)
      }
    }
  }

  /// Makes a new index in the place of one that turned out to be damaged, unless another process has.
  private func mend(progress: (IndexProgress) throws -> Void) throws -> IndexChanges {
    guard try index.isDamaged() else {
      return try IndexSynchronizer(index: index, packObjects: packObjects).run(progress: progress)
    }
    return try rebuildAndRemember(needsAllPacks: false, progress: progress)
  }

  @discardableResult
  private func rebuildAndRemember(
    needsAllPacks: Bool, progress: (IndexProgress) throws -> Void
  ) throws -> IndexChanges {
    let changes = try whereThereIsRoom {
      try IndexSynchronizer(index: index, packObjects: packObjects)
        .rebuild(needsAllPacks: needsAllPacks, progress: progress)
    }
    lastRebuild.withLock { $0 = .now }
    return changes
  }

  /// Runs `body`; where the index cannot be written to, again with one in the next place.
  private func whereThereIsRoom<Result>(_ body: () throws -> Result) throws -> Result {
    while true {
      do {
        return try body()
      } catch let error as StoreError where Self.concernsPlace(error) {
        guard try index.moveOn() else { throw error }
      }
    }
  }

  private static func concernsPlace(_ error: StoreError) -> Bool {
    [.noSpace, .readOnly, .index].contains(error.code)
  }

  private func compareWithoutProgress() throws(StoreError) {
    try withoutProgress { try compare(progress: $0) }
  }

  private func withoutProgress(
    _ body: ((IndexProgress) throws -> Void) throws -> IndexChanges
  ) throws(StoreError) {
    do {
      _ = try body { _ in }
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.index, "cannot compare the index with the packs: \(error)", cause: error)
    }
  }

  /// Runs `body`; where it finds the index damaged, makes the index anew and runs it again.
  private func mending<Result>(
    _ body: () throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    let generation = index.generation
    do throws(StoreError) {
      return try body()
    } catch  where error.code == .damagedIndex {
      try lastComparison.withLock { last throws(StoreError) in
        // Another thread may have been here meanwhile.
        guard index.generation == generation else { return }
        try withoutProgress { try mend(progress: $0) }
        last = .now
      }
      return try body()
    }
  }

  private func location(
    of copies: [(pack: IndexedPack, entry: PackEntry)]
  ) throws(StoreError) -> RecordLocation? {
    guard let best = copies.first else { return nil }
    return RecordLocation(pack: try packObjects.pack(best.pack), entry: best.entry)
  }
}
