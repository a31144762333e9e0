package import ChunkFormat
import FileIO

/// What a comparison of the index with the packs changed.
package struct IndexChanges: Sendable {
  package var addedPacks = 0
  package var removedPacks = 0
  package var records = 0
  /// Packs of which not all, or nothing, could be listed, and why.
  package var damaged: [(pack: PackID, error: StoreError)] = []

  package init() {}
}

/// How far a comparison has come. Of many packs, reading one counts as half of it, and entering what was
/// read as the other half.
package struct IndexProgress: Sendable {
  package let donePacks: Int
  package let totalPacks: Int
}

/// Brings the index in line with the packs that are there, or makes a new one of them.
struct IndexSynchronizer {
  /// Records entered in one transaction, but for the last pack's.
  private static let batchRecords = 8192
  /// From so many packs on, their records are sorted before they are entered.
  private static let manyPacks = 128
  /// More than one collection's deletions are seldom met in a row.
  private static let maximumLooks = 4

  let index: PackIndex
  let packObjects: PackObjects

  /// Lists packs that are not listed, and takes off those that are gone.
  ///
  /// Again where anything changed: a pack may have gone before its directory was looked at, and another
  /// may have taken its records over in a directory that had been looked at before.
  func run(progress: (IndexProgress) throws -> Void) throws -> IndexChanges {
    try run(after: IndexChanges(), progress: progress)
  }

  /// Makes a new index of the packs alone, beside the old one, which is not looked at, and puts it in
  /// the old one's place.
  ///
  /// - Parameter needsAllPacks: the old one stays where the storage cannot read a pack now, which the old one
  ///   may list.
  /// - Throws: ``StoreError``, also why that pack cannot be read.
  func rebuild(
    needsAllPacks: Bool, progress: (IndexProgress) throws -> Void
  ) throws -> IndexChanges {
    let lock = try index.lockForLoading()
    defer { lock.close() }
    return try run(
      after: try makeNew(lock, needsAllPacks: needsAllPacks, progress: progress), progress: progress
    )
  }

  private func makeNew(
    _ lock: any OpenFile, needsAllPacks: Bool, progress: (IndexProgress) throws -> Void
  ) throws -> IndexChanges {
    var changes = IndexChanges()
    let fresh = try index.makeUnplaced(lock)
    do {
      let found = try packObjects.list()
      for pack in found { packObjects.forget(pack.id) }
      try packObjects.makeNamesDurable(of: found)
      try load(found, into: fresh, &changes, progress: progress)
      if needsAllPacks,
        let unreadable = changes.damaged.first(where: { $0.error.code == .fileSystem })
      {
        throw unreadable.error
      }
      // Listed before the index is locked: nobody waits for the storage while others wait for the index.
      try index.place(fresh, present: Set(try packObjects.list().map(\.id)))
    } catch {
      fresh.discard()
      throw error
    }
    return changes
  }

  private func run(
    after earlier: IndexChanges, progress: (IndexProgress) throws -> Void
  ) throws -> IndexChanges {
    var changes = earlier
    for _ in 1...Self.maximumLooks {
      guard try look(&changes, progress: progress) else { break }
    }
    return changes
  }

  /// - Returns: whether anything changed.
  private func look(
    _ changes: inout IndexChanges, progress: (IndexProgress) throws -> Void
  ) throws -> Bool {
    // In this order: a pack that is listed and then not found was there and is gone, while one that
    // another process adds in between is merely found. And alone with the index: whoever was about to
    // list a pack that is gone by now has done so, or will find that it is gone.
    let listed = try index.write { index throws(StoreError) in try index.packs() }
    let found = try packObjects.list()
    let gone = listed.subtracting(found.map(\.id))
    if !gone.isEmpty {
      try remove(gone)
      changes.removedPacks += gone.count
    }
    let known = Set(changes.damaged.map(\.pack))
    let missing = found.filter { !listed.contains($0.id) && !known.contains($0.id) }
    // Whoever named them may have died, or is still about to make the names durable; but what the
    // index lists is relied on.
    try packObjects.makeNamesDurable(of: missing)
    let before = changes.damaged.count
    try add(missing, isFirst: listed.isEmpty, to: &changes, progress: progress)
    return !gone.isEmpty || missing.count > changes.damaged.count - before
  }

  private func remove(_ gone: Set<PackID>) throws(StoreError) {
    for id in gone {
      packObjects.forget(id)
    }
    try index.write { index throws(StoreError) in
      for id in gone {
        try index.remove(id)
      }
    }
  }

  private func add(
    _ missing: [(id: PackID, kind: PackKind)], isFirst: Bool, to changes: inout IndexChanges,
    progress: (IndexProgress) throws -> Void
  ) throws {
    guard missing.count < Self.manyPacks else {
      return try addMany(missing, isFirst: isFirst, to: &changes, progress: progress)
    }
    var batch: [PackInventory] = []
    var batchRecords = 0
    for (number, (id, kind)) in missing.enumerated() {
      if let inventory = try inventory(of: id, kind, &changes) {
        batch.append(inventory)
        batchRecords += inventory.entries.count
      }
      if batchRecords >= Self.batchRecords || number == missing.count - 1 {
        try enter(batch, &changes)
        (batch, batchRecords) = ([], 0)
        try progress(IndexProgress(donePacks: number + 1, totalPacks: missing.count))
      }
    }
  }

  private func addMany(
    _ missing: [(id: PackID, kind: PackKind)], isFirst: Bool, to changes: inout IndexChanges,
    progress: (IndexProgress) throws -> Void
  ) throws {
    let lock = try index.lockForLoading()
    defer { lock.close() }
    // Somebody may have listed them while this one waited.
    let listed = try index.write { index throws(StoreError) in try index.packs() }
    if isFirst, listed.isEmpty {
      let made = try makeNew(lock, needsAllPacks: false, progress: progress)
      changes.addedPacks += made.addedPacks
      changes.records += made.records
      changes.damaged += made.damaged
    } else {
      try load(
        missing.filter { !listed.contains($0.id) }, into: index, &changes, progress: progress)
    }
  }

  private func load(
    _ missing: [(id: PackID, kind: PackKind)], into index: PackIndex, _ changes: inout IndexChanges,
    progress: (IndexProgress) throws -> Void
  ) throws {
    let first = try index.write { index throws(StoreError) in
      try index.reserveNumbers(missing.count)
    }
    var loader = try IndexLoader(index: index, packObjects: packObjects)
    for (position, (id, kind)) in missing.enumerated() {
      if let inventory = try inventory(of: id, kind, &changes) {
        try loader.add(inventory, number: first + UInt32(position))
        changes.records += inventory.entries.count
      }
      try progress(IndexProgress(donePacks: (position + 1) / 2, totalPacks: missing.count))
    }
    changes.addedPacks += try loader.finish { share in
      let half = missing.count / 2
      let entered = Int(Double(missing.count - half) * share)
      try progress(IndexProgress(donePacks: half + entered, totalPacks: missing.count))
    }
  }

  /// Nil where the pack cannot be listed.
  private func inventory(
    of id: PackID, _ kind: PackKind, _ changes: inout IndexChanges
  ) throws(StoreError) -> PackInventory? {
    do throws(StoreError) {
      let inventory = try PackInventory(
        of: try packObjects.pack(id, kind: kind), idKey: packObjects.idKey)
      if let damage = inventory.footerDamage { changes.damaged.append((id, damage)) }
      return inventory
    } catch {
      // A pack that cannot be listed counts as absent; next time it may be readable again.
      guard Self.concernsOnePack(error) else { throw error }
      if try packObjects.isThere(id, kind) { changes.damaged.append((id, error)) }
      return nil
    }
  }

  private static func concernsOnePack(_ error: StoreError) -> Bool {
    // One flipped bit can make a pack look sealed, or of a later version.
    [.damaged, .fileSystem, .notFound, .wrongKey, .unsupported].contains(error.code)
  }

  private func enter(
    _ batch: [PackInventory], _ changes: inout IndexChanges
  ) throws(StoreError) {
    let entered = try index.write { index throws(StoreError) in
      var entered: [PackInventory] = []
      for inventory in batch {
        let pack = inventory.pack
        // It may have been deleted since it was read, and compared by whoever relies on the index.
        guard try packObjects.isThere(pack.id, pack.kind) else { continue }
        try index.add(IndexedPack(pack), entries: inventory.entries)
        entered.append(inventory)
      }
      return entered
    }
    changes.addedPacks += entered.count
    changes.records += entered.map(\.entries.count).reduce(0, +)
  }
}
