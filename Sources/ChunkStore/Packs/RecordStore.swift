package import ChunkFormat
import Synchronization

/// The records of a repository, found through the index. Any thread may ask.
package final class RecordStore: Sendable {
  /// A comparison of index and packs that is younger than this is not repeated for a record that is
  /// missing: thousands of missing records shall not cost thousands of comparisons.
  private static let freshness = Duration.seconds(5)

  let index: PackIndex
  private let shelf: PackShelf
  private let lastComparison = Mutex<ContinuousClock.Instant?>(nil)

  init(index: PackIndex, shelf: PackShelf) {
    self.index = index
    self.shelf = shelf
  }

  /// The best copy of each record, in the order of `ids`; nil where the index knows none.
  ///
  /// - Throws: ``StoreError`` where the index cannot be used.
  package func locate(_ ids: some Sequence<ContentID>) throws(StoreError) -> [RecordLocation?] {
    var located: [RecordLocation?] = []
    for copies in try index.copies(of: ids) {
      located.append(try location(of: copies))
    }
    return located
  }

  /// Every copy of a record, the best first.
  func copies(of id: ContentID) throws(StoreError) -> [RecordLocation] {
    var copies: [RecordLocation] = []
    for copy in try index.copies(of: CollectionOfOne(id))[0] {
      copies.append(RecordLocation(pack: try shelf.pack(copy.pack), entry: copy.entry))
    }
    return copies
  }

  /// Compares index and packs.
  package func synchronize(
    progress: (IndexProgress) throws -> Void = { _ in }
  ) throws -> IndexChanges {
    let changes = try IndexSynchronizer(index: index, shelf: shelf).run(progress: progress)
    lastComparison.withLock { $0 = .now }
    return changes
  }

  /// Compares index and packs because a record was not where the index says, unless that was done a
  /// moment ago.
  ///
  /// - Returns: whether to look again.
  package func refresh() throws(StoreError) -> Bool {
    let isFresh = lastComparison.withLock { last in
      last.map { $0.duration(to: .now) < Self.freshness } ?? false
    }
    guard !isFresh else { return false }
    do {
      _ = try synchronize()
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.index, "cannot compare the index with the packs: \(error)")
    }
    return true
  }

  private func location(
    of copies: [(pack: IndexedPack, entry: PackEntry)]
  ) throws(StoreError) -> RecordLocation? {
    guard let best = copies.first else { return nil }
    return RecordLocation(pack: try shelf.pack(best.pack), entry: best.entry)
  }
}
