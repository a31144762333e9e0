package import ChunkFormat
import FileIO
import Glibc
import SystemPackage

extension RecordStore {
  /// Runs `body` with a directory for scratch files, and with others where there is no room: where there
  /// is none is where garbage is collected.
  func whereScratchFits<Result, Failure: Error>(
    _ body: (FilePath) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    for directory in [index.path] + FilePath.temporaryDirectories.dropLast() {
      do throws(Failure) {
        return try body(directory)
      } catch {
        guard let error = error as? StoreError,
          [.noSpace, .readOnly, .fileSystem].contains(error.code)
        else { throw error }
      }
    }
    return try body(FilePath.temporaryDirectories[FilePath.temporaryDirectories.count - 1])
  }

  /// Numbers all records, so that it can be noted which are needed. The index must be in line with the
  /// packs, and stay the one that it is. All of it is read, so one that is damaged is replaced here.
  package func liveRecords(progress: () throws -> Void) throws -> LiveRecords {
    do {
      return try number(progress)
    } catch let error as StoreError where error.code == .damagedIndex {
      try mend()
      return try number(progress)
    }
  }

  private func number(_ progress: () throws -> Void) throws -> LiveRecords {
    _ = try index.read { index throws(StoreError) in try index.packs() }
    return try whereScratchFits { directory in
      try LiveRecords(index: index, scratch: directory, progress: progress)
    }
  }

  /// Numbers all chunks of the index; nil where there is no room for that.
  func numberedChunks() throws -> RankTable<ExactKey>? {
    do {
      return try whereScratchFits { directory in
        try index.numberedChunks(scratch: directory)
      }
    } catch let error as StoreError where error.code == .noSpace {
      return nil
    }
  }

  /// Tells whose each record is, once it has been told who refers to what.
  ///
  /// - Parameter jobOf: the number of the job of each revision.
  package func recordOwners(_ live: LiveRecords, jobOf: [Int]) throws(StoreError) -> RecordOwners {
    try RecordOwners(live, store: self, jobOf: { jobOf[$0] })
  }

  /// Adds up what is needed of every pack that is listed.
  ///
  /// - Parameter counted: told of every record that is needed, with the copy that stays.
  package func survey(
    _ live: LiveRecords, absent: AbsentContent, counted: @escaping (PackEntry) -> Void = { _ in },
    progress: () throws -> Void
  ) throws -> Survey {
    var surveyor = Surveyor(live, absent: absent)
    surveyor.counted = counted
    return try surveyor.run(index, progress: progress)
  }

  /// Deltas that revisions refer to, by their bases, of which only `bases` are asked for.
  package func deltas(
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

  /// The records of a pack as its own footer lists them, and the length of its file.
  ///
  /// - Throws: ``StoreError``: `.damaged` where the footer cannot be relied on; `.notFound` where the
  ///   pack is gone.
  package func contents(
    ofPack id: PackID, _ kind: PackKind
  ) throws(StoreError) -> (records: [RecordLocation], lengthBytes: UInt64) {
    let inventory = try PackInventory(of: try openPack(id, kind), idKey: nil)
    if let damage = inventory.footerDamage { throw damage }
    return (
      inventory.entries.map { RecordLocation(pack: inventory.pack, entry: $0) },
      inventory.pack.lengthBytes
    )
  }

  /// Copies of a record in packs that are listed, but for those that are `absent`.
  package func copies(
    of id: ContentID, absent: AbsentContent
  ) throws(StoreError) -> [RecordLocation] {
    try copies(of: id).filter { !absent.includes(id, in: $0.pack.id) }
  }

  /// Deletes packs for good: the files, then the index's entries.
  package func delete(_ packs: [(id: PackID, kind: PackKind)]) throws(StoreError) {
    try deleteFiles(packs)
    do throws(StoreError) {
      try write { index throws(StoreError) in
        for (id, _) in packs { try index.remove(id) }
      }
    } catch  where error.code == .noSpace || error.code == .index {
      // Where there is no room yet: whoever relies on the index compares it with the packs first.
    }
  }
}
