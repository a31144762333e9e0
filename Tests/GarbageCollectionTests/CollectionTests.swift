import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import GarbageCollection
import SystemPackage
import TestSupport
import Testing
import VolumeSources
import Workers

@Suite("Garbage collection")
struct CollectionTests {
  @Test(
    "Content of a forgotten revision is freed, all other content stays",
    arguments: [false, true])
  func freesWhatNobodyNeeds(encrypted: Bool) throws {
    let place = try Store(encrypted: encrypted)
    let first = try place.backUp(chunks: 0..<40)
    let second = try place.backUp(chunks: 20..<60)
    let before = try place.packBytes()
    try place.forget(first)
    let report = try place.collect()
    #expect(report.freedBytes > 0)
    #expect(try place.packBytes() == before - UInt64(report.freedBytes))
    #expect(try place.content(of: second) == place.bytes(20..<60))
    #expect(try place.workplace.verify().damageCount == 0)
    #expect(try place.collect().freedBytes == 0)
  }

  @Test("Nothing is freed while every revision is needed")
  func keepsWhatIsNeeded() throws {
    let place = try Store()
    let revisions = try (0..<4).map { try place.backUp(chunks: $0 * 5..<$0 * 5 + 20) }
    let report = try place.collect()
    #expect(report.deletedPacks == 0)
    for (number, revision) in revisions.enumerated() {
      #expect(try place.content(of: revision) == place.bytes(number * 5..<number * 5 + 20))
    }
  }

  @Test("A dry run reports what would be deleted, and deletes nothing")
  func dryRun() throws {
    let place = try Store()
    try place.forget(try place.backUp(chunks: 0..<20))
    try place.backUp(chunks: 30..<90)
    let before = try place.packBytes()
    let report = try place.collect { $0.isDryRun = true }
    #expect(report.freedBytes > 0)
    #expect(try place.packBytes() == before)
  }

  @Test("Most of the store is deleted only if the settings allow it")
  func largeShare() throws {
    let place = try Store()
    try place.forget(try place.backUp(chunks: 0..<40))
    let before = try place.packBytes()
    #expect {
      try place.collect()
    } throws: { ($0 as? CollectionError)?.code == .largeShare }
    #expect(try place.packBytes() == before)
    #expect(try place.collect { $0.allowsLargeShare = true }.deletedPacks > 0)
    #expect(try place.packBytes() == 0)
  }

  @Test("A revision that cannot be read stops the collection")
  func unreadableRevision() throws {
    let place = try Store()
    try place.forget(try place.backUp(chunks: 0..<20))
    let kept = try place.backUp(chunks: 30..<90)
    let path = place.root.appending("revisions/\(kept)")
    try place.overwrite(path, at: 70, [0xff, 0xff, 0xff])
    let before = try place.packBytes()
    #expect {
      try place.collect { $0.allowsLargeShare = true }
    } throws: { ($0 as? CollectionError)?.code == .unreadable }
    #expect(try place.packBytes() == before)
  }

  @Test("A missing map node stops the collection")
  func missingNode() throws {
    let place = try Store()
    try place.forget(try place.backUp(chunks: 0..<20))
    try place.backUp(chunks: 30..<90)
    for pack in try place.workplace.packs("maps") { try POSIXFileSystem().remove(pack) }
    let before = try place.packBytes()
    #expect {
      try place.collect { $0.allowsLargeShare = true }
    } throws: { ($0 as? CollectionError)?.code == .unreadable }
    #expect(try place.packBytes() == before)
  }

  @Test("A revision that is deleted while a session reads it is kept until the session ends")
  func pinnedRevision() throws {
    let place = try Store()
    let revision = try place.backUp(chunks: 0..<20)
    let other = try place.backUp(chunks: 30..<90)
    let session = try place.repository.beginReading(
      "test", pinned: [revision], context: .testing())
    let entry = try place.repository.revision(revision)
    try place.forget(revision)
    try place.collect()
    #expect(try place.content(of: entry) == place.bytes(0..<20))
    session.end()
    let report = try place.collect()
    #expect(report.deletedPacks > 0)
    #expect(report.removedRevisions == 1)
    #expect(try place.content(of: other) == place.bytes(30..<90))
  }

  @Test("A deleted revision cannot be pinned")
  func pinningTooLate() throws {
    let place = try Store()
    let revision = try place.backUp(chunks: 0..<20)
    try place.forget(revision)
    #expect {
      try place.repository.beginReading(
        "test", pinned: [revision], context: .testing())
    } throws: { ($0 as? StoreError)?.code == .notFound }
    #expect(try place.repository.liveSessions().isEmpty)
  }

  @Test("A pack waits for a backup that may rely on it, and is deleted if it did not")
  func waitsForWriters() throws {
    let place = try Store()
    try place.backUp(chunks: 30..<90)
    let forgotten = try place.backUp(chunks: 0..<20)
    let writing = try place.beginLongBackup()
    try place.forget(forgotten)
    let waiting = try place.collect()
    #expect(waiting.deletedPacks == 0)
    #expect(waiting.waitingPacks > 0)
    #expect(waiting.awaited.map(\.purpose) == ["a long backup"])
    writing.end()
    let report = try place.collect()
    #expect(report.deletedPacks >= waiting.waitingPacks)
    #expect(report.waitingPacks == 0)
  }

  @Test("A pack that a backup relies on is pardoned")
  func pardons() throws {
    let place = try Store()
    try place.backUp(chunks: 30..<90)
    let forgotten = try place.backUp(chunks: 0..<20)
    let entry = try place.repository.revision(forgotten)
    let writing = try place.beginLongBackup()
    try place.forget(forgotten)
    #expect(try place.collect().waitingPacks > 0)
    // The backup found the same content, and the index said that it is stored.
    #expect(try writing.writer.standing(of: try place.chunkID(3)).isStored)
    var again = entry.revision
    again.job = "again"
    let revision = try place.repository.commit(again)
    writing.end()
    let report = try place.collect()
    #expect(report.deletedPacks == 0)
    #expect(report.pardonedPacks > 0)
    #expect(try place.content(of: revision) == place.bytes(0..<20))
    #expect(try place.repository.condemnations().isEmpty)
  }

  @Test("A backup that begins after the condemnation stores the content again")
  func condemnedCountsAsAbsent() throws {
    let place = try Store()
    try place.backUp(chunks: 30..<90)
    let forgotten = try place.backUp(chunks: 0..<20)
    let old = try place.beginLongBackup()
    try place.forget(forgotten)
    #expect(try place.collect().waitingPacks > 0)
    let revision = try place.backUp(chunks: 0..<20, job: "again")
    old.end()
    let report = try place.collect()
    #expect(report.deletedPacks > 0, "\(report)")
    #expect(try place.content(of: revision) == place.bytes(0..<20))
    #expect(try place.workplace.verify().damageCount == 0)
  }

  @Test("A pack that is mostly garbage is rewritten, in the order of the newest revision")
  func compaction() throws {
    let place = try Store()
    let all = try place.backUp(chunks: 0..<60)
    let order = [40, 3, 58, 17, 29, 9]
    let kept = try place.backUp(order: order)
    try place.forget(all)
    let report = try place.collect { $0.allowsLargeShare = true }
    #expect(report.copiedRecords >= order.count)
    #expect(report.deletedPacks > 0)
    #expect(try place.content(of: kept) == order.flatMap { place.chunk($0) })
    let packs = try place.repository.records.locate(order.map { try place.chunkID($0) })
    let offsets = packs.map { $0?.entry.offsetBytes ?? 0 }
    #expect(offsets == offsets.sorted())
    #expect(Set(packs.map { $0?.pack.id }).count == 1)
  }

  @Test("The next collection finishes the work of a collection that died")
  func takesUpWhatWasCondemned() throws {
    let place = try Store()
    let forgotten = try place.backUp(chunks: 0..<20)
    let kept = try place.backUp(chunks: 0..<8)
    try place.forget(forgotten)
    let packs = try place.workplace.packs("data").map {
      (id: try #require(PackID(name: $0.lastComponent?.string ?? "")), kind: PackKind.data)
    }
    _ = try place.repository.condemn(packs, at: place.context.now())
    let preview = try place.collect { $0.isDryRun = true }
    #expect(preview.freedBytes >= Int64(12 * Store.chunkBytes))
    let report = try place.collect { $0.allowsLargeShare = true }
    #expect(report.pardonedPacks == 0)
    #expect(report.freedBytes >= Int64(12 * Store.chunkBytes))
    #expect(try place.content(of: kept) == place.bytes(0..<8))
    let again = try place.collect()
    #expect(again.deletedPacks + again.rewrittenPacks + again.pardonedPacks == 0)
  }

  @Test("Copying stays within its limit")
  func copyLimit() throws {
    let place = try Store()
    let all = try place.backUp(chunks: 0..<60)
    try place.backUp(order: [40, 3, 58, 17, 29, 9])
    try place.forget(all)
    let report = try place.collect {
      $0.allowsLargeShare = true
      $0.copiedBytesLimit = 0
    }
    #expect(report.copiedRecords == 0)
    #expect(report.postponedPacks > 0)
  }

  @Test("The limit applies to the sum of the copies from all packs")
  func copyLimitOfSeveral() throws {
    let place = try Store()
    let going = [try place.backUp(chunks: 0..<30), try place.backUp(chunks: 30..<60)]
    try place.backUp(order: [3, 17, 29, 33, 47, 59])
    for id in going { try place.forget(id) }
    let report = try place.collect {
      $0.allowsLargeShare = true
      // Three chunks of each pack are needed.
      $0.copiedBytesLimit = UInt64(5 * Store.chunkBytes)
      $0.leastSmallPacks = .max
    }
    #expect(report.rewrittenPacks == 1)
    #expect(report.postponedPacks == 1)
  }

  @Test("Of two copies in rewritten packs, the one without a base is kept")
  func deltaBesideAWholeCopy() throws {
    let place = try Store()
    let first = try place.backUp(chunks: 0..<20)
    let second = try place.backUp(bytes: place.changedBytes(0..<20))
    let changed = place.changedBytes(0..<4)
    let newest = try place.backUp(bytes: changed)
    // Chunk 3 is stored only as a delta. The pack of deltas is rewritten because of it.
    try place.storeAlone(place.changedBytes(0..<3) + place.changedBytes(5..<20))
    for id in [first, second] { try place.forget(id) }
    for _ in 0..<2 {
      let report = try place.collect { $0.allowsLargeShare = true }
      #expect(report.pardonedPacks == 0)
      #expect(try place.content(of: newest) == changed)
      #expect(try place.workplace.verify().isClean)
    }
  }

  @Test("A base with only one delta is kept, or the delta is stored whole")
  func bases() throws {
    let place = try Store()
    let first = try place.backUp(chunks: 0..<20)
    let changed = place.changedBytes(0..<20)
    let second = try place.backUp(bytes: changed)
    let statistics = try place.repository.revision(second).revision.volumes[0].statistics
    try #require(statistics.deltaChunks == 20)
    try place.forget(first)
    try place.collect()
    #expect(try place.content(of: second) == changed)
    #expect(try place.workplace.verify().damageCount == 0)
  }

  @Test(
    "A base with a single delta is deleted, whether the delta is rewritten or not",
    arguments: [false, true])
  func replacedBases(deltasAreRewritten: Bool) throws {
    let place = try Store()
    let all = try place.backUp(chunks: 0..<60)
    let kept = 4
    var changed = place.changedBytes(0..<(deltasAreRewritten ? 40 : kept))
    var going = [all]
    if deltasAreRewritten { going.append(try place.backUp(bytes: changed)) }
    changed.removeLast(changed.count - kept * Store.chunkBytes)
    let newest = try place.backUp(bytes: changed)
    for id in going { try place.forget(id) }
    let report = try place.collect { $0.allowsLargeShare = true }
    #expect(report.replacedBases == kept)
    #expect(try place.content(of: newest) == changed)
    #expect(try place.workplace.verify().damageCount == 0)
    let again = try place.collect { $0.allowsLargeShare = true }
    #expect(try place.content(of: newest) == changed)
    #expect(again.replacedBases == 0)
    #expect(try place.packBytes() < UInt64((kept + 1) * Store.chunkBytes))
  }

  @Test("A base is kept if the disk is too full to store its delta whole")
  func basesOnFullDisk() throws {
    let place = try Store()
    let first = try place.backUp(chunks: 0..<40)
    let changed = place.changedBytes(0..<20)
    let second = try place.backUp(bytes: changed)
    try place.forget(first)
    let full = try place.onFullDisk()
    let report = try full.collect()
    #expect(report.replacedBases > 0)
    #expect(report.endedEarly != nil)
    #expect(try place.content(of: second) == changed)
  }

  @Test("A delta keeps its base if the other copy turns out to be damaged")
  func baseOfAPardonedDelta() throws {
    let place = try Store()
    let first = try place.backUp(chunks: 0..<20)
    let changed = place.changedBytes(0..<20)
    let second = try place.backUp(bytes: changed)
    let before = Set(try place.workplace.packs("data"))
    try place.storeAlone(changed)
    let copies = try #require(try place.workplace.packs("data").first { !before.contains($0) })
    try place.overwrite(copies, at: 64 + 72 + 1000, [1, 2, 3, 4])
    try place.forget(first)
    let report = try place.collect { $0.allowsLargeShare = true }
    #expect(report.pardonedPacks >= 2)
    #expect(try place.content(of: second) == changed)
  }

  @Test("Of two deltas, the one whose base exists counts")
  func deltaWithoutBase() throws {
    let place = try Store()
    let (gone, base, kept) = (place.chunk(0), place.variant(5), place.variant(77))
    let first = try place.backUp(bytes: gone)
    let packs = try place.workplace.packs("data")
    try place.storeAlone(base)
    try place.store(kept, asDeltaOf: gone)
    try place.store(kept, asDeltaOf: base)
    let second = try place.backUp(bytes: kept)
    for pack in packs { try POSIXFileSystem().remove(pack) }
    try place.forget(first)
    try place.collect { $0.allowsLargeShare = true }
    #expect(try place.content(of: second) == kept)
  }

  @Test("A delta without its base is no damage if a condemned pack has its content")
  func superfluousDelta() throws {
    let place = try Store()
    let first = try place.backUp(chunks: 0..<1)
    let packs = try place.workplace.packs("data")
    let changed = place.variant(77)
    let second = try place.backUp(bytes: changed + place.bytes(1..<2))
    try place.storeAlone(changed + place.bytes(2..<3))
    for pack in packs { try POSIXFileSystem().remove(pack) }
    _ = try place.repository.rebuildIndex { _ in }
    try place.forget(first)
    let report = try place.collect {
      $0.allowsLargeShare = true
      $0.leastSmallPacks = 2
    }
    #expect(report.damaged.isEmpty)
    #expect(try place.content(of: second) == changed + place.bytes(1..<2))
  }

  @Test("Many small packs are merged into few")
  func merging() throws {
    let place = try Store()
    var revisions: [RevisionID] = []
    for number in 0..<12 {
      revisions.append(try place.backUp(chunks: number * 3..<number * 3 + 3, job: "job\(number)"))
    }
    let before = try place.workplace.packs("data").count
    try place.collect()
    #expect(try place.workplace.packs("data").count < before / 4)
    for (number, revision) in revisions.enumerated() {
      #expect(try place.content(of: revision) == place.bytes(number * 3..<number * 3 + 3))
    }
  }

  @Test(
    "Unfinished files of a killed writer are removed, but not while it may be alive",
    arguments: ["packs/data", "packs/maps", "revisions", "condemned", "marks", "quarantine", "."])
  func unfinishedFiles(directory: String) throws {
    let place = try Store()
    try place.backUp(chunks: 0..<5)
    try POSIXFileSystem().createDirectories(place.root.appending(directory))
    let leftover = place.root.appending("\(directory)/.tmp-0123456789abcdef")
    try POSIXFileSystem().writeDurably(
      [1, 2, 3], to: leftover, permissions: [.ownerReadWrite])
    let writing = try place.beginLongBackup()
    #expect(try place.collect().unfinishedFiles == 0)
    writing.end()
    let report = try place.collect()
    #expect(report.unfinishedFiles == 1)
    #expect(report.unfinishedBytes == 3)
  }

  @Test("A second collection at the same time is refused")
  func oneAtATime() throws {
    let place = try Store()
    let lock = try place.repository.beginCollecting()
    #expect {
      try place.collect()
    } throws: { ($0 as? StoreError)?.code == .busy }
    lock.release()
    try place.collect()
  }

  @Test("A pack whose footer is damaged is never deleted")
  func damagedPack() throws {
    let place = try Store()
    let forgotten = try place.backUp(chunks: 0..<20)
    let packs = try place.workplace.packs("data")
    try place.backUp(chunks: 30..<90)
    try place.forget(forgotten)
    let length = try POSIXFileSystem().metadata(of: packs[0]).sizeBytes
    try place.overwrite(packs[0], at: length - 40, [UInt8](repeating: 0x55, count: 8))
    let report = try place.collect()
    #expect(report.damaged.count == 1)
    #expect(try place.workplace.packs("data").contains(packs[0]))
  }
}
