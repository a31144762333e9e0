import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Damage to one file is reported, and confined to what the file holds.
@Suite struct DamagedFilesTests {
  private let fileSystem = SimulatedFileSystem()
  private let index: TemporaryDirectory
  private let store: TestStore
  private let disk = TestDisk(chunks: 4, seed: 1)
  private let revision: RevisionID
  private let layout = RepositoryLayout(root: "/repository")

  init() throws {
    index = try TemporaryDirectory(inMemory: true)
    store = try TestStore(
      creating: layout.root, encrypted: false,
      environment: TestStore.environment(on: fileSystem, index: index.path))
    revision = try store.backUp(disk, job: "a")
  }

  /// As another machine finds it, which has no index.
  private func open() throws -> TestStore {
    let name = "other-\(UInt64.random(in: .min ... .max))"
    return try TestStore(
      opening: layout.root,
      environment: TestStore.environment(on: fileSystem, index: index.appending(name)))
  }

  private func flip(_ path: FilePath, at offset: UInt64, bit: UInt8 = 1) throws {
    let bytes = try fileSystem.readAll(path, limitBytes: 1 << 30)
    let file = try fileSystem.openFile(path, for: .readingAndWriting)
    try file.write([bytes[Int(offset)] ^ bit], at: offset)
  }

  private func dataPack() throws -> FilePath {
    let shard = try fileSystem.list(layout.dataPacks)[0].name
    let directory = layout.dataPacks.appending(shard)
    return directory.appending(try fileSystem.list(directory)[0].name)
  }

  /// The header tells version and sealing: a flipped bit there must not keep everybody from working.
  @Test(arguments: [0, 8, 9, 10, 11, 16, 40] as [UInt64])
  func aPackWithADamagedHeaderIsReportedAndItsChunksAreStoredAgain(offset: UInt64) throws {
    let pack = try dataPack()
    try flip(pack, at: offset)
    let other = try open()
    let writing = try other.beginWriting()
    #expect(writing.indexChanges.damaged.count == 1)
    writing.end()
    let next = try other.backUp(disk, job: "a")
    #expect(try other.disk(of: next) == disk)
    #expect(try other.disk(of: revision) == disk)
  }

  @Test func aPackWithADamagedFooterIsStillRead() throws {
    let pack = try dataPack()
    try flip(pack, at: fileSystem.metadata(of: pack).sizeBytes - 50)
    let other = try open()
    let changes = try other.repository.records.synchronize()
    #expect(changes.damaged.count == 1)
    #expect(try other.disk(of: revision) == disk)
  }

  @Test func aDamagedRevisionIsNamedAndHidesNoOther() throws {
    let second = try store.backUp(disk.touching(1, with: 1), job: "a")
    try flip(layout.revision(revision), at: 100)
    let listing = try open().repository.revisions()
    #expect(listing.entries.map(\.id) == [second])
    #expect(listing.unreadable.map(\.id) == [revision])
    #expect(listing.unreadable.first?.error.code == .damaged)
  }

  /// The content is none the worse, but nobody knows any more whether it was distrusted.
  @Test func damagedMarksLeaveTheRevisionReadableAndDistrusted() throws {
    try store.repository.updateMarks(of: revision) { $0.tags = ["keep"] }
    try flip(layout.marks(of: revision), at: 70)
    let other = try open()
    let entry = try #require(try other.repository.revisions().entries.first)
    #expect(entry.marksDamage?.code == .damaged)
    #expect(entry.marks.trust == .distrusted)
    #expect(try other.disk(of: entry.id) == disk)
    let error = #expect(throws: StoreError.self) {
      try other.repository.updateMarks(of: revision) { $0.tags = ["new"] }
    }
    #expect(error?.code == .damaged)
    try fileSystem.remove(layout.marks(of: revision))
    try other.repository.updateMarks(of: revision) { $0.tags = ["new"] }
    #expect(try other.repository.revision(revision).marks.tags == ["new"])
  }

  @Test func anErrorWhileListingIsNotAnEmptyList() throws {
    for directory in [layout.dataPacks, layout.revisions, layout.sessions] {
      fileSystem.setFaults { $0.kind == .list && $0.path == directory ? .ioError : nil }
      let error = #expect(throws: StoreError.self) {
        _ = try store.repository.revisions()
        try store.beginWriting().end()
      }
      #expect(error?.code == .fileSystem)
      fileSystem.setFaults(nil)
    }
    #expect(try store.disk(of: revision) == disk)
  }

  /// Marks changed by many at once: nothing is lost.
  @Test func marksThatManyChangeAtOnceAreAllKept() throws {
    let (store, revision) = (store, revision)
    try concurrently(8) { number in
      try store.repository.updateMarks(of: revision) { $0.tags.append("tag\(number)") }
    }
    let tags = try store.repository.revision(revision).marks.tags
    #expect(Set(tags) == Set((0..<8).map { "tag\($0)" }))
  }
}
