import ChunkFormat
import FileIO
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Entering so many packs at once that their records are sorted first.
@Suite struct IndexLoadingTests {
  private let directory: TemporaryDirectory
  private let store: TestStore
  private let disk = TestDisk(chunks: 200, seed: 1)
  private let changed: TestDisk
  private let revisions: [RevisionID]

  init() throws {
    directory = try TemporaryDirectory(inMemory: true)
    var environment = TestStore.environment(
      on: POSIXFileSystem(), index: directory.appending("index"))
    environment.packTargetBytes = TestStore.chunkBytes
    store = try TestStore(
      creating: directory.appending("repository"), encrypted: false, environment: environment)
    changed = disk.touching(2, with: 1).touching(150, with: 7)
    let first = try store.backUp(disk, job: "a")
    revisions = [first, try store.backUp(changed, job: "a", parent: first)]
  }

  private var index: PackIndex { store.repository.records.index }

  private func copies() throws -> [[String]] {
    let ids = try (disk.chunks + changed.chunks).map { try store.id(of: $0, type: .chunk) }
    return try index.copies(of: ids).map { $0.map { "\($0.pack) \($0.entry)" } }
  }

  @Test("What was loaded is what was entered pack by pack")
  func loadedIsTheSame() throws {
    let (before, packs, records) = (try copies(), try index.packs(), try index.recordCount())
    var last: IndexProgress?
    let changes = try store.repository.rebuildIndex { last = $0 }
    #expect(changes.addedPacks == packs.count)
    #expect(changes.records == records)
    #expect(last.map { $0.donePacks == $0.totalPacks } ?? false)
    #expect(try copies() == before)
    #expect(try index.packs() == packs)
    #expect(try index.recordCount() == records)
    #expect(try store.disk(of: revisions[0]) == disk)
    #expect(try store.disk(of: revisions[1]) == changed)
  }

  /// The old index serves until the new one is complete, and what came to nothing does not stay.
  @Test("An interrupted rebuild changes nothing", arguments: [0.3, 0.9])
  func interrupted(at share: Double) throws {
    let (before, packs) = (try copies(), try index.packs())
    struct Interruption: Error {}
    #expect(throws: Interruption.self) {
      _ = try store.repository.rebuildIndex { step in
        if Double(step.donePacks) > Double(step.totalPacks) * share { throw Interruption() }
      }
    }
    #expect(try index.packs() == packs)
    #expect(try copies() == before)
    #expect(try store.disk(of: revisions[1]) == changed)
    let left = try POSIXFileSystem().unfinishedFiles(in: index.path)
    #expect(left.isEmpty)
  }

  @Test("Two that load at once enter everything once")
  func loadedAtOnce() throws {
    let (packs, records) = (try index.packs(), try index.recordCount())
    try index.reset()
    try concurrently(3) { _ in
      let other = try TestStore(
        opening: store.repository.root, environment: store.environment)
      _ = try other.repository.records.synchronize()
    }
    #expect(try index.packs() == packs)
    #expect(try index.recordCount() == records)
  }

  @Test("Records come in the order of ids, however many runs they were sorted in")
  func sorting() throws {
    var random = SeededRandom(seed: 3)
    var records = try SortedRecords(in: FilePath("/var/tmp"), recordsPerRun: 7)
    var expected: [[UInt8]] = []
    for number in 0..<100 {
      // Every tenth is a second copy.
      let id = number % 10 == 9 ? expected[number - 4] : random.bytes(ContentID.lengthBytes)
      expected.append(id)
      try records.append(
        PackEntry(
          id: id.withUnsafeBytes { ContentID($0) }, type: .chunk, codec: .raw, base: nil,
          offsetBytes: UInt32(number), storedBytes: 1, plainBytes: 1), pack: UInt32(number))
    }
    #expect(records.count == 100)
    try records.finish()
    var taken: [[UInt8]] = []
    while let (id, value) = records.takeFirst() {
      let record = try #require(IndexedRecord(value, id: ContentID(id)))
      #expect(record.pack == record.entry.offsetBytes)
      #expect(expected[Int(record.pack)] == Array(id))
      taken.append(Array(id))
    }
    #expect(taken == expected.sorted { $0.lexicographicallyPrecedes($1) })
  }
}
