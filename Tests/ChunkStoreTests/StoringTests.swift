import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import ChunkStore

/// What is stored and read back, by one writer and by several.
@Suite struct StoringTests {
  private let fileSystem = SimulatedFileSystem()
  private let index: TemporaryDirectory
  private let root: FilePath = "/repository"

  init() throws { index = try TemporaryDirectory(inMemory: true) }

  private func environment(_ name: String = "index") -> RepositoryEnvironment {
    TestStore.environment(on: fileSystem, index: index.appending(name))
  }

  private func makeStore(encrypted: Bool = false) throws -> TestStore {
    try TestStore(creating: root, encrypted: encrypted, environment: environment())
  }

  private func packs(_ kind: PackKind, of store: TestStore) throws -> Set<PackID> {
    let objects = PackObjects(
      storage: LocalObjects(root: root, fileSystem: fileSystem),
      repository: store.repository.configuration.id, keys: store.repository.keys)
    return Set(try objects.list().filter { $0.kind == kind }.map(\.id))
  }

  private func remove(_ packs: Set<PackID>, _ kind: PackKind) throws {
    for pack in packs {
      try fileSystem.remove(RepositoryLayout(root: root).path(of: kind.key(pack)))
    }
  }

  @Test(arguments: [false, true])
  func whatWasStoredIsReadBack(encrypted: Bool) throws {
    let store = try makeStore(encrypted: encrypted)
    let disk = TestDisk(chunks: 14, seed: 1)
    let changed = disk.touching(3, with: 1).touching(9, with: 2)
    let first = try store.backUp(disk, job: "a")
    let second = try store.backUp(changed, job: "a", parent: first)
    let reopened = try TestStore(opening: root, environment: environment("another"))
    for store in [store, reopened] {
      #expect(try store.disk(of: first) == disk)
      #expect(try store.disk(of: second) == changed)
      #expect(try store.repository.revisions().entries.map(\.id).count == 2)
    }
  }

  @Test func whatWaitsToBeWrittenIsNotStoredAgain() throws {
    let store = try makeStore()
    let writing = try store.beginWriting()
    let id = try store.store([1, 2, 3], type: .chunk, with: writing.writer)
    #expect(writing.writer.isPending(id))
    #expect(try writing.writer.standing(of: id).isStored)
    try writing.writer.flush()
    #expect(!writing.writer.isPending(id))
    #expect(try writing.writer.standing(of: id).isStored)
    writing.end()
  }

  @Test func aChangedChunkTakesWhatChanged() throws {
    let store = try makeStore()
    let disk = TestDisk(chunks: 14, seed: 1)
    let first = try store.backUp(disk, job: "a")
    let used = fileSystem.usedBytes
    try store.backUp(disk.touching(3, with: 1), job: "a", parent: first)
    #expect(fileSystem.usedBytes - used < TestStore.chunkBytes / 4)
  }

  /// The delta is there, but what it is a difference from is not: only storing the chunk again makes
  /// the next revision readable.
  @Test func aDeltaWhoseBaseIsGoneIsStoredAgain() throws {
    let store = try makeStore()
    let disk = TestDisk(chunks: 3, seed: 1)
    let changed = disk.touching(1, with: 1)
    let first = try store.backUp(disk, job: "a")
    let bases = try packs(.data, of: store)
    let second = try store.backUp(changed, job: "a", parent: first)
    try remove(bases, .data)
    let later = try TestStore(opening: root, environment: environment())
    #expect(throws: StoreError.self) { try later.disk(of: second) }
    let third = try later.backUp(changed, job: "a")
    #expect(try later.disk(of: third) == changed)
    #expect(try later.disk(of: second) == changed, "healed by the way")
  }

  @Test func aVanishedPackIsNamedAndItsChunksAreStoredAgain() throws {
    let store = try makeStore()
    let disk = TestDisk(chunks: 4, seed: 1)
    let first = try store.backUp(disk, job: "a")
    let reopened = try TestStore(opening: root, environment: environment())
    let lost = try packs(.data, of: store)
    try remove(lost, .data)
    let error = #expect(throws: StoreError.self) { try reopened.disk(of: first) }
    #expect(error?.code == .notFound)
    #expect(error?.pack.map(lost.contains) == true)
    try reopened.backUp(disk, job: "a")
    #expect(try reopened.disk(of: first) == disk)
  }

  /// A reader that has just compared index and packs still finds what moved since.
  @Test func aRecordThatMovedIsFound() throws {
    let store = try makeStore()
    let disk = TestDisk(chunks: 4, seed: 1)
    let id = try store.backUp(disk, job: "a")
    let old = try packs(.data, of: store)
    let reader = try TestStore(opening: root, environment: environment("reader"))
    _ = try reader.repository.records.synchronize()
    let mover = try TestStore(opening: root, environment: environment("mover"))
    let writing = try mover.repository.beginWriting("move", pinned: [], context: .testing())
    try mover.repository.records.write { index throws(StoreError) in
      for pack in old { try index.remove(pack) }
    }
    for chunk in disk.chunks { try mover.store(chunk, type: .chunk, with: writing.writer) }
    // The same bytes would make the same pack.
    try mover.store([1, 2, 3], type: .chunk, with: writing.writer)
    try writing.writer.flush()
    writing.end()
    try remove(old, .data)
    #expect(try reader.disk(of: id) == disk)
  }

  @Test func oneOfTwoCopiesIsEnough() throws {
    let disk = TestDisk(chunks: 4, seed: 1)
    let store = try makeStore()
    let id = try store.backUp(disk, job: "a")
    let first = try packs(.data, of: store)
    // Another machine's index knows nothing of what is there.
    let other = try TestStore(opening: root, environment: environment("other"))
    let writing = try other.beginWriting()
    try other.repository.records.index.reset()
    for chunk in disk.chunks { try other.store(chunk, type: .chunk, with: writing.writer) }
    try other.store([1, 2, 3], type: .chunk, with: writing.writer)
    try writing.writer.flush()
    writing.end()
    let second = try packs(.data, of: store).subtracting(first)
    #expect(!second.isEmpty)
    _ = try store.repository.records.synchronize()
    for damaged in [first, second] {
      let copy = fileSystem.afterKill(at: fileSystem.operationCount)
      for pack in damaged {
        let path = RepositoryLayout(root: root).dataPack(pack)
        let file = try copy.openFile(path, for: .readingAndWriting)
        try file.write(Array(repeating: 0, count: 1_000), at: 5_000)
      }
      let reader = try TestStore(
        opening: root, environment: TestStore.environment(on: copy, index: index.appending("copy")))
      #expect(try reader.disk(of: id) == disk)
    }
  }

  /// Two backups of identical disks, started together, store the data about once.
  @Test func writersThatMeetTheSameContentStoreItOnce() throws {
    let disk = TestDisk(chunks: 120, seed: 1)
    let root = root
    let environment = environment()
    _ = try makeStore()
    let failures = Monitor<[String]>([])
    let threads = try (0..<3).map { number in
      try WorkerThread(name: "backup-\(number)") {
        do {
          let store = try TestStore(opening: root, environment: environment)
          let id = try store.backUp(disk, job: "job\(number)")
          if try store.disk(of: id) != disk { failures.withLock { $0.append("differs") } }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    let once = disk.chunks.count * TestStore.chunkBytes
    #expect(fileSystem.usedBytes < once + once / 5)
  }

  // MARK: - Failures

  /// Whatever operation fails, for want of room or with the device: the caller hears of it, waits for
  /// nothing, and the repository is as good as before.
  @Test(arguments: [Errno.noSpace, .ioError])
  func aFailureAtAnyOperationLeavesAGoodRepository(_ errno: Errno) throws {
    let store = try makeStore()
    let disk = TestDisk(chunks: 4, seed: 1)
    let first = try store.backUp(disk, job: "a")
    var larger = disk
    larger.chunks += TestDisk(chunks: 16, seed: 2).chunks
    var number = 0
    while true {
      let copy = fileSystem.afterKill(at: fileSystem.operationCount)
      let environment = TestStore.environment(on: copy, index: index.appending("copy"))
      let failing = try TestStore(opening: root, environment: environment)
      copy.setFaults { [number] in $0.kind.isChange && $0.number == number ? errno : nil }
      let error: StoreError?
      do {
        _ = try failing.backUp(larger, job: "a", parent: first)
        error = nil
      } catch let failure as StoreError {
        error = failure
      }
      let isOver = copy.calledChanges <= number
      if let error { #expect(error.code == (errno == .noSpace ? .noSpace : .fileSystem)) }
      copy.setFaults(nil)
      #expect(try failing.disk(of: first) == disk)
      let again = try TestStore(opening: root, environment: environment)
      let next = try again.backUp(larger, job: "a", parent: first)
      #expect(try again.disk(of: next) == larger)
      #expect(try again.repository.revisions().unreadable.isEmpty)
      if isOver { break }
      number += 1
    }
    #expect(number > 20)
  }

  @Test func aFullDiskIsReportedAndNothingIsLeftBehind() throws {
    let store = try makeStore()
    let disk = TestDisk(chunks: 30, seed: 1)
    fileSystem.setCapacity(bytes: fileSystem.usedBytes + 10 * TestStore.chunkBytes)
    let error = #expect(throws: StoreError.self) { try store.backUp(disk, job: "a") }
    #expect(error?.code == .noSpace)
    for directory in RepositoryLayout(root: root).packDirectories {
      let names = try fileSystem.list(directory).map(\.name)
      #expect(!names.contains { $0.hasPrefix(FilePath.temporaryPrefix) })
    }
    fileSystem.setCapacity(bytes: nil)
    let id = try store.backUp(disk, job: "a")
    #expect(try store.disk(of: id) == disk)
  }

  /// Who waits for room in a writer that is stopped is told so.
  @Test func stoppingTheWriterEndsTheWaitOfWhoAppends() throws {
    let store = try makeStore()
    let writing = try store.beginWriting()
    let disk = TestDisk(chunks: 60, seed: 1)
    let appender = try WorkerThread(name: "appender") {
      for chunk in disk.chunks {
        guard (try? store.store(chunk, type: .chunk, with: writing.writer)) != nil else { return }
      }
    }
    writing.writer.stop()
    appender.join()
    #expect(throws: StoreError.self) {
      try store.store([1, 2, 3], type: .chunk, with: writing.writer)
    }
    #expect(throws: StoreError.self) { try writing.writer.flush() }
  }

  /// The name of a pack whose writer was killed before it made it durable is relied on by the next
  /// backup, so that one must.
  @Test func aPackThatAKilledProcessNamedIsMadeDurable() throws {
    let store = try makeStore()
    let disk = TestDisk(chunks: 4, seed: 1)
    let writing = try store.beginWriting()
    for chunk in disk.chunks { try store.store(chunk, type: .chunk, with: writing.writer) }
    try writing.writer.flush()
    let named = try #require(fileSystem.countsAfterRenaming.last)
    let killed = fileSystem.afterKill(at: named)
    let next = try TestStore(
      opening: root, environment: TestStore.environment(on: killed, index: index.appending("next")))
    let id = try next.backUp(disk, job: "a")
    for seed in 0..<20 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let crashed = killed.afterPowerFailure(at: killed.operationCount, using: &random)
      let after = try TestStore(
        opening: root,
        environment: TestStore.environment(on: crashed, index: index.appending("after-\(seed)")))
      #expect(try after.disk(of: id) == disk, "seed \(seed)")
    }
    writing.end()
  }
}
