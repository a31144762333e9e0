import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import GarbageCollection
import Remedies
import Synchronization
import SystemPackage
import TestSupport
import Testing
import Workers

/// Lost content may come back. Content that it depends on must then still exist.
@Suite("Losses")
struct LossTests {
  private let files = POSIXFileSystem()

  /// A store with a single revision whose chunks are all deltas, and with the pack of these deltas.
  private struct Deltas {
    let store: Store
    let kept: RevisionID
    let content: [UInt8]
    let deltas: FilePath

    init() throws {
      store = try Store()
      let first = try store.backUp(chunks: 0..<20)
      let bases = try store.workplace.packs("data")[0]
      content = store.changedBytes(0..<20)
      kept = try store.backUp(bytes: content)
      deltas = try #require(try store.workplace.packs("data").first { $0 != bases })
      try store.forget(first)
    }
  }

  enum Loss: CaseIterable {
    case removed, headerDamaged
  }

  @Test("Bases are kept while the deltas that need them are missing", arguments: Loss.allCases)
  func deltasAway(_ loss: Loss) throws {
    let place = try Deltas()
    let good = try files.readAll(place.deltas, limitBytes: 1 << 30)
    switch loss {
    case .removed: try files.remove(place.deltas)
    case .headerDamaged: try place.store.overwrite(place.deltas, at: 4, [0xff, 0xff])
    }
    // This index has never known the deltas.
    let store = try place.store.withoutIndex()
    let preview = try store.collect { $0.isDryRun = true }
    #expect(preview.lostRecords == 20)
    #expect(preview.refusal != nil)
    #expect {
      try store.collect { $0.allowsLargeShare = true }
    } throws: {
      ($0 as? CollectionError)?.code == (loss == .removed ? .lost : .unreadable)
    }
    try files.writeDurably(good, to: place.deltas, permissions: [.ownerRead])
    #expect(try store.collect { $0.allowsLargeShare = true }.lostRecords == 0)
    #expect(try store.content(of: place.kept) == place.content)
  }

  @Test("Content whose loss is accepted is deleted")
  func givenUp() throws {
    let place = try Deltas()
    try files.remove(place.deltas)
    let report = try place.store.collect {
      $0.allowsLargeShare = true
      $0.acceptsLosses = true
    }
    #expect(report.lostRecords == 20)
    #expect(try place.store.workplace.packs("data").isEmpty)
  }

  @Test("An index made from half a pack is rebuilt")
  func partlyListed() throws {
    let place = try Deltas()
    let good = try files.readAll(place.deltas, limitBytes: 1 << 30)
    try files.remove(place.deltas)
    try files.writeDurably(
      Array(good.prefix(1500)), to: place.deltas, permissions: [.ownerRead])
    let store = try place.store.withoutIndex()
    #expect(try store.repository.records.synchronize().damaged.count == 1)
    try files.writeDurably(good, to: place.deltas, permissions: [.ownerRead])
    let report = try store.collect { $0.allowsLargeShare = true }
    #expect(report.lostRecords == 0)
    #expect(try store.content(of: place.kept) == place.content)
  }

  @Test("Bases are kept if the index is replaced during marking by one that lacks the deltas")
  func replacedIndex() throws {
    let place = try Deltas()
    let (path, away) = (place.deltas, place.store.root.appending("away"))
    let event = EventfulFileSystem(beforeFirstOpeningIn: "/packs/maps/") { [files] in
      // The pack is missing for a moment, and the index is rebuilt at that moment.
      let other = try place.store.on(files)
      try files.rename(path, to: away)
      _ = try other.repository.rebuildIndex { _ in }
      try files.rename(away, to: path)
    }
    let report = try place.store.on(event).collect { $0.allowsLargeShare = true }
    #expect(try event.outcome() == 1)
    #expect(report.lostRecords == 0)
    #expect(try place.store.on(files).content(of: place.kept) == place.content)
  }

  @Test("A reader finds a record that moves to another pack again and again")
  func movingRecord() throws {
    let place = try Store()
    let kept = try place.backUp(chunks: 0..<3)
    let event = EventfulFileSystem(beforeFirstOpeningIn: "/packs/data/", times: 6) { [files] in
      let other = try place.on(files)
      let old = try other.workplace.packs("data")
      try other.storeAlone(other.bytes(0..<3))
      for pack in old { try files.remove(pack) }
    }
    #expect(try place.on(event).content(of: kept) == place.bytes(0..<3))
    #expect(try event.outcome() == 6)
  }

  @Test("A dry run starts again if another collection deletes a revision that it has listed")
  func collectedBesideDryRun() throws {
    let place = try Store()
    let going = try place.backUp(chunks: 0..<20)
    let kept = try place.backUp(chunks: 30..<90)
    let event = EventfulFileSystem(beforeFirstOpeningIn: "/packs/maps/") { [files] in
      let other = try place.on(files)
      try other.forget(going)
      #expect(try other.collect { $0.allowsLargeShare = true }.deletedPacks > 0)
    }
    let report = try place.on(event).collect { $0.isDryRun = true }
    #expect(try event.outcome() == 1)
    #expect(report.refusal == nil)
    #expect(report.lostRecords == 0)
    #expect(report.revisions == 1)
    #expect(try place.content(of: kept) == place.bytes(30..<90))
  }

  @Test("While a pack cannot be read, the old index stays in place")
  func unreadableForNow() throws {
    let place = try Deltas()
    let store = try place.store.on(UnreadablePack(path: place.deltas))
    #expect(throws: (any Error).self) { try store.content(of: place.kept) }
    // The collection looked for a record that seemed lost, and kept the index that knows the pack.
    let other = try place.store.on(files)
    #expect(try other.repository.records.synchronize().addedPacks == 0)
    #expect(try other.content(of: place.kept) == place.content)
  }

  @Test("Garbage in rewritten packs counts as deleted when the share of the store is checked")
  func rewrittenIsDeletedToo() throws {
    let place = try Store()
    let all = try place.backUp(chunks: 0..<60)
    try place.backUp(chunks: 0..<6)
    try place.forget(all)
    let before = try place.packBytes()
    #expect {
      try place.collect()
    } throws: { ($0 as? CollectionError)?.code == .largeShare }
    #expect(try place.packBytes() == before)
    #expect(try place.collect { $0.isDryRun = true }.refusal != nil)
  }

  @Test("A missing revision whose marks exist stops the collection until the loss is accepted")
  func lostRevision() throws {
    let place = try Store()
    let lost = try place.backUp(chunks: 0..<20)
    try place.backUp(chunks: 30..<90)
    try place.repository.updateMarks(of: lost) { $0.isProtected = true }
    let path = place.root.appending("revisions/\(lost)")
    let bytes = try files.readAll(path, limitBytes: 1 << 20)
    try files.remove(path)
    #expect { try place.collect() } throws: { ($0 as? CollectionError)?.code == .lost }
    try files.writeDurably(bytes, to: path, permissions: [.ownerRead])
    #expect(try place.collect().deletedPacks == 0)
    #expect(try place.content(of: lost) == place.bytes(0..<20))
    try files.remove(path)
    #expect(try place.collect { $0.acceptsLosses = true }.deletedPacks > 0)
    #expect(try place.repository.lostRevisions(changesNothing: true).isEmpty)
  }

  @Test("A damaged list of condemned packs is deleted, and its packs are judged again")
  func damagedCondemnation() throws {
    let place = try Store()
    let kept = try place.backUp(chunks: 0..<20)
    let packs = try place.workplace.packs("data").map {
      (id: try #require(PackID(name: $0.lastComponent?.string ?? "")), kind: PackKind.data)
    }
    let stored = try place.repository.condemn(packs, at: place.context.now())
    try place.overwrite(place.root.appending("condemned/\(stored.name)"), at: 70, [1, 2, 3])
    #expect {
      try place.backUp(chunks: 0..<20)
    } throws: { Remedy.of($0) == [.removeCondemnation] }
    #expect(try place.collect().damagedCondemnations == 1)
    #expect(try place.content(of: kept) == place.bytes(0..<20))
    try place.backUp(chunks: 0..<20)
  }

  @Test("Good copies in an intact pack are kept, not those in a pack with damage")
  func copiesBesideDamage() throws {
    let place = try Store()
    let kept = try place.backUp(chunks: 0..<20)
    try place.workplace.spoilChunk(3)
    #expect(try place.workplace.verify().damageCount == 1)
    let damaged = try place.workplace.packs("data")[0]
    try place.storeAlone(place.bytes(0..<20))
    let report = try place.collect { $0.allowsLargeShare = true }
    #expect(report.deletedPacks > 0)
    #expect(try !place.workplace.packs("data").contains(damaged))
    #expect(try place.content(of: kept) == place.bytes(0..<20))
  }
}

/// The real file system, but an event occurs before files of one directory are opened.
private final class EventfulFileSystem: ForwardingFileSystem {
  let base = POSIXFileSystem()
  private let part: String
  private let times: Int
  private let body: @Sendable () throws -> Void
  private let state = Mutex<(count: Int, failure: (any Error)?)>((0, nil))

  init(
    beforeFirstOpeningIn part: String, times: Int = 1, _ body: @escaping @Sendable () throws -> Void
  ) {
    (self.part, self.times, self.body) = (part, times, body)
  }

  /// Returns how often the event occurred.
  func outcome() throws -> Int {
    try state.withLock {
      if let failure = $0.failure { throw failure }
      return $0.count
    }
  }

  func openFile(_ path: FilePath, for access: FileAccess) throws(FileError) -> any OpenFile {
    let isNext = state.withLock { state in
      guard state.count < times, path.string.contains(part) else { return false }
      state.count += 1
      return true
    }
    if isNext {
      do { try body() } catch { state.withLock { $0.failure = error } }
    }
    return try base.openFile(path, for: access)
  }
}

/// The real file system, with one pack that exists but is unreadable.
private struct UnreadablePack: ForwardingFileSystem {
  let base = POSIXFileSystem()
  let path: FilePath

  func openFile(_ path: FilePath, for access: FileAccess) throws(FileError) -> any OpenFile {
    guard path != self.path else {
      throw FileError(operation: "open", path: path, errno: .ioError)
    }
    return try base.openFile(path, for: access)
  }
}
