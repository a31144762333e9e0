import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import LocalObjects
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import GarbageCollection

/// Backups that end during a collection.
@Suite("Marking during backups") struct MarkingTests {
  /// Runs a collection with `store`. `body` runs while the first map node is read.
  private func collect(
    in store: Store, whileMarking body: @escaping @Sendable () throws -> Void
  ) throws -> CollectionReport {
    try collect(in: store, before: .openFile, of: "/packs/maps/", body)
  }

  private func collect(
    in store: Store, before kind: SimulatedCall.Kind, of text: String,
    _ body: @escaping @Sendable () throws -> Void
  ) throws -> CollectionReport {
    let fileSystem = InterruptedFileSystem(POSIXFileSystem())
    var environment = store.environment
    environment.storage = LocalObjects.opener(on: fileSystem)
    let repository = try Repository.open(at: store.root, environment: environment) {
      Workplace.passphrase
    }
    fileSystem.interrupt(.before, kind, of: text, body)
    let report = try GarbageCollection(
      repository: repository, settings: CollectionSettings(), context: .testing()
    ).run()
    #expect(fileSystem.problems == [])
    return report
  }

  @Test("Content of a backup that ended during the marking is not condemned")
  func backupDuringMarking() throws {
    let store = try Store()
    let gone = try store.backUp(chunks: 0..<10)
    try store.backUp(chunks: 10..<20, job: "other")
    try store.forget(gone)
    let report = try collect(in: store) { try store.backUp(chunks: 0..<10, job: "third") }
    #expect(report.revisions == 2)
    #expect(report.deadPacks == 0)
    #expect(report.pardonedPacks == 0)
    #expect(try store.repository.condemnations().isEmpty)
    #expect(try store.workplace.verify().isClean)
  }

  @Test("Content of a backup that ended after the marking is pardoned")
  func backupAfterMarking() throws {
    let store = try Store()
    try store.backUp(chunks: 30..<90, job: "other")
    let forgotten = try store.backUp(chunks: 0..<20)
    let entry = try store.repository.revision(forgotten)
    let writing = try store.beginLongBackup()
    try store.forget(forgotten)
    // The collection sees no session, so it waits for none.
    let report = try collect(in: store, before: .rename, of: "/condemned/") {
      let isThere = try writing.writer.standing(of: try store.chunkID(3)).isStored
      #expect(isThere)
      var again = entry.revision
      again.job = "again"
      _ = try store.repository.commit(again)
      writing.end()
    }
    #expect(report.deletedPacks == 0)
    #expect(report.pardonedPacks > 0)
    #expect(report.waitingPacks == 0)
    #expect(try store.workplace.verify().isClean)
  }

  @Test("Marking repeats until it finds no revision that was made in the meantime")
  func untilNothingIsNew() throws {
    let store = try Store()
    try store.backUp(chunks: 0..<2)
    let live = try store.repository.records.liveRecords {}
    let left = Counter(3)
    var marking = RootMarking(store.repository, live, changesNothing: false) {
      if let number = left.next() {
        try store.backUp(chunks: number..<number + 2, job: "job\(number)")
      }
    }
    #expect(try marking.markNew())
    #expect(marking.revisions == 4)
    #expect(try !marking.markNew())
  }

  private final class Counter {
    private var left: Int
    init(_ count: Int) { left = count }

    func next() -> Int? {
      guard left > 0 else { return nil }
      left -= 1
      return 10 * (left + 1)
    }
  }
}
