import ChunkFormat
import FileIO
import Glibc
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import ChunkStore

/// The index is a cache: whatever becomes of it, the answers are right.
@Suite struct IndexTests {
  private let directory: TemporaryDirectory
  private let store: TestStore
  private let disk = TestDisk(chunks: 14, seed: 1)
  private let revision: RevisionID

  init() throws {
    directory = try TemporaryDirectory(inMemory: true)
    store = try TestStore(
      creating: directory.appending("repository"), encrypted: false,
      environment: TestStore.environment(on: POSIXFileSystem(), index: nil))
    revision = try store.backUp(disk, job: "a")
  }

  private var index: FilePath { directory.appending("repository").appending("index") }

  /// Another Repository object for the same repository.
  private func open(_ name: String = "repository") throws -> TestStore {
    try TestStore(opening: directory.appending(name), environment: store.environment)
  }

  private func overwrite(_ name: String, at offset: UInt64, count: Int) throws {
    let file = try POSIXFileSystem().openFile(index.appending(name), for: .readingAndWriting)
    var random = SeededRandom(seed: 1)
    try file.write(random.bytes(count), at: offset)
    file.close()
  }

  /// The right answers: all is read, and nothing is stored twice.
  private func expectRightAnswers(_ store: TestStore, _ comment: Comment? = nil) throws {
    #expect(try store.disk(of: revision) == disk, comment)
    let writing = try store.beginWriting()
    defer { writing.end() }
    for chunk in disk.chunks {
      #expect(try writing.writer.standing(of: store.id(of: chunk, type: .chunk)).isStored, comment)
    }
  }

  enum Harm: CaseIterable {
    case removed, emptied, cutShort, garbage, garbageInTheMiddle, garbageInLocks, strangersHome
  }

  private func harm(_ harm: Harm) throws {
    let fileSystem = POSIXFileSystem()
    switch harm {
    case .removed: try fileSystem.removeTree(index)
    case .emptied: truncate(index.appending("data.mdb").string, 0)
    case .cutShort: truncate(index.appending("data.mdb").string, 3 * 4096)
    case .garbage: try overwrite("data.mdb", at: 0, count: 8 * 4096)
    case .garbageInTheMiddle:
      let size = try fileSystem.metadata(of: index.appending("data.mdb")).sizeBytes
      let file = try fileSystem.openFile(index.appending("data.mdb"), for: .readingAndWriting)
      try file.write(Array(repeating: 0, count: Int(size) - 8192), at: 8192)
    case .garbageInLocks: try overwrite("write.lock", at: 0, count: 8192)
    case .strangersHome: try overwrite("home", at: 0, count: 2_000)
    }
  }

  /// Every kind of harm that can be done while nobody has the index open.
  @Test(arguments: Harm.allCases)
  func aHarmedIndexIsMadeAnew(_ harm: Harm) throws {
    // The index of a copy of the repository is open nowhere.
    let copy = directory.appending("copy")
    #expect(run("cp", "-a", directory.appending("repository").string, copy.string))
    try POSIXFileSystem().rename(directory.appending("repository"), to: directory.appending("old"))
    try POSIXFileSystem().rename(copy, to: directory.appending("repository"))
    try expectRightAnswers(open())
    try self.harm(harm)
    try expectRightAnswers(open())
    try expectRightAnswers(open())
  }

  @Test func anIndexThatTurnsOutDamagedIsMadeAnewOnTheSpot() throws {
    try harm(.garbageInTheMiddle)
    try expectRightAnswers(store)
    try expectRightAnswers(open())
    let later = try store.backUp(disk.touching(2, with: 1), job: "a", parent: revision)
    #expect(try store.disk(of: later) == disk.touching(2, with: 1))
  }

  @Test func damageFoundWhileStoringCostsNothingButTime() throws {
    let writing = try store.beginWriting()
    defer { writing.end() }
    let added = TestDisk(chunks: 5, seed: 2)
    for chunk in added.chunks { try store.store(chunk, type: .chunk, with: writing.writer) }
    try harm(.garbageInTheMiddle)
    try writing.writer.flush()
    for chunk in added.chunks {
      let id = try store.id(of: chunk, type: .chunk)
      #expect(try store.read(id, type: .chunk) == chunk)
    }
    #expect(try store.repository.records.synchronize().addedPacks == 0)
  }

  @Test func anIndexMayBeRemovedWhileItIsOpen() throws {
    try harm(.removed)
    try expectRightAnswers(store)
    let other = try open()
    try expectRightAnswers(other)
    let later = try store.backUp(disk.touching(2, with: 1), job: "a", parent: revision)
    #expect(try other.disk(of: later) == disk.touching(2, with: 1))
  }

  /// Who looked a record up before a comparison has ended looks again.
  @Test func packsThatComeBackAreFoundByAllReaders() throws {
    let packs = directory.appending("repository/packs")
    let away = directory.appending("away")
    try POSIXFileSystem().rename(packs.appending("data"), to: away)
    try POSIXFileSystem().createDirectories(
      packs.appending("data"), permissions: [.ownerReadWriteExecute])
    _ = try store.repository.records.synchronize()
    try POSIXFileSystem().removeTree(packs.appending("data"))
    try POSIXFileSystem().rename(away, to: packs.appending("data"))
    let other = try open()
    try concurrently(16) { number in
      let id = try other.id(of: disk.chunks[number % 14], type: .chunk)
      #expect(try other.read(id, type: .chunk) == disk.chunks[number % 14])
    }
  }

  @Test func aCounterThatIsAtItsEndIsDamageThatMends() throws {
    try store.repository.records.index.write { index throws(StoreError) in
      let first = try index.reserveNumbers(1)
      _ = try index.reserveNumbers(Int(UInt32.max - first) - 1)
    }
    let later = try store.backUp(disk.touching(2, with: 1), job: "a", parent: revision)
    #expect(try store.disk(of: later) == disk.touching(2, with: 1))
    try expectRightAnswers(store)
  }

  @Test func rebuildingWhileOthersWorkDisturbsNobody() throws {
    let other = try open()
    let writing = try other.beginWriting()
    defer { writing.end() }
    var steps = 0
    let changes = try store.repository.rebuildIndex { _ in steps += 1 }
    #expect(changes.addedPacks > 2)
    #expect(changes.damaged.isEmpty)
    #expect(steps > 0)
    let later = try other.backUp(disk.touching(2, with: 1), job: "a", parent: revision)
    #expect(try store.disk(of: later) == disk.touching(2, with: 1))
    try expectRightAnswers(other)
  }

  /// A copy taken with `cp` while the repository is open has an index that nobody should trust.
  @Test func aCopyDoesNotTrustTheIndexThatCameWithIt() throws {
    #expect(
      run("cp", "-a", directory.appending("repository").string, directory.appending("copy").string))
    let home = try POSIXFileSystem().readAll(index.appending("home"), limitBytes: 100)
    let copy = try open("copy")
    try expectRightAnswers(copy)
    let copied = directory.appending("copy").appending("index").appending("home")
    #expect(try POSIXFileSystem().readAll(copied, limitBytes: 100) != home)
    try expectRightAnswers(store)
  }

  @Test func oneDirectoryHasOneIndexWhateverItsName() throws {
    #expect(symlink("repository", directory.appending("link").string) == 0)
    let names = ["repository", "link", "./repository"]
    let files = try names.map {
      try IndexDirectory(path: directory.appending($0).appending("index")).open()
    }
    #expect(files.allSatisfy { $0.identity == files[0].identity })
    try expectRightAnswers(open("link"))
  }

  /// The last user closes the environment while others open it.
  @Test func openingAndClosingAtTheSameTime() throws {
    let environment = store.environment
    let (root, revision) = (directory.appending("repository"), revision)
    let failures = Monitor<[String]>([])
    let threads = try (0..<4).map { number in
      try WorkerThread(name: "opener-\(number)") {
        for _ in 0..<20 {
          do {
            let store = try TestStore(opening: root, environment: environment)
            _ = try store.disk(of: revision)
            if number == 0 { _ = try store.repository.rebuildIndex { _ in } }
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
  }

  private func run(_ arguments: String...) -> Bool {
    system(arguments.map { "'\($0)'" }.joined(separator: " ")) == 0
  }
}
