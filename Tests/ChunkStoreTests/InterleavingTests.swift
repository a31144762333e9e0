import ChunkFormat
import FileIO
import LocalObjects
import SystemPackage
import TestSupport
import Testing
import Workers

@testable import ChunkStore

/// Two processes, one of which acts in a gap between two operations of the other; then the power fails.
@Suite struct InterleavingTests {
  private let disk = SimulatedFileSystem()
  private let fileSystem: InterruptedFileSystem<SimulatedFileSystem>
  private let index: TemporaryDirectory
  private let store: TestStore
  /// Another process.
  private let other: TestStore
  private let layout = RepositoryLayout(root: "/repository")

  init() throws {
    index = try TemporaryDirectory(inMemory: true)
    fileSystem = InterruptedFileSystem(disk)
    store = try TestStore(
      creating: layout.root, encrypted: false,
      environment: TestStore.environment(on: fileSystem, index: index.path))
    other = try TestStore(
      opening: layout.root, environment: TestStore.environment(on: disk, index: index.path))
  }

  private func repository(in disk: SimulatedFileSystem, _ name: String) throws -> Repository {
    try TestStore(
      opening: layout.root,
      environment: TestStore.environment(on: disk, index: index.appending(name))
    ).repository
  }

  /// What a power failure now may leave.
  private func afterPowerFailures(
    of disk: SimulatedFileSystem? = nil, _ check: (Repository) throws -> Void
  ) throws {
    let disk = disk ?? self.disk
    let count = disk.operationCount
    for seed in 0..<30 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      try check(repository(in: disk.afterPowerFailure(at: count, using: &random), "crashed"))
    }
  }

  private func newRevision(in repository: Repository) throws -> RevisionID {
    try #require(try repository.revisions().entries.last).id
  }

  private func expectNothingIsLost() throws {
    try afterPowerFailures { repository in
      let lost = try repository.lostRevisions(changesNothing: true)
      #expect(lost == [])
    }
  }

  // MARK: - A revision that has its name, and whose directory is not synchronised yet

  @Test func marksAreNeverThereWithoutTheirRevision() throws {
    fileSystem.interrupt(.before, .synchronizeDirectory, of: "/revisions") { [other, self] in
      let id = try newRevision(in: other.repository)
      try other.repository.updateMarks(of: id) { $0.tags = ["kept"] }
      try expectNothingIsLost()
    }
    try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    #expect(fileSystem.problems == [])
  }

  @Test func aPinIsNeverThereWithoutItsRevision() throws {
    fileSystem.interrupt(.before, .synchronizeDirectory, of: "/revisions") { [other, self] in
      let id = try newRevision(in: other.repository)
      let pin = other.repository.newPin(
        of: id, job: "a", for: "a test", at: "/overlay", context: .testing())
      let name = try PinName.random()
      #expect(try other.repository.pin(pin, as: name).isPinned)
      try expectNothingIsLost()
    }
    try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    #expect(fileSystem.problems == [])
  }

  /// Or a job could be left without any.
  @Test func anOlderRevisionGoesOnlyWhenTheNewerIsDurable() throws {
    let old = try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    fileSystem.interrupt(.before, .synchronizeDirectory, of: "/revisions") { [other, self] in
      try other.repository.forget([old])
      try afterPowerFailures { repository in
        let left = try repository.revisions().entries
        #expect(left.count == 1)
      }
    }
    try store.backUp(TestDisk(chunks: 1, seed: 2), job: "a")
    #expect(fileSystem.problems == [])
  }

  /// The same while the older one moves: only once it has moved would anything else make the newer one
  /// durable.
  @Test func theNewerRevisionIsDurableBeforeTheOlderMoves() throws {
    let old = try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    let disk = disk
    let forgetting = InterruptedFileSystem(disk)
    fileSystem.interrupt(.before, .synchronizeDirectory, of: "/revisions") { [self] in
      forgetting.interrupt(.after, .rename, of: "/forgotten/") { [self] in
        try afterPowerFailures { repository in
          let left = try repository.revisions().entries
          #expect(!left.isEmpty)
        }
      }
      let forgetter = try TestStore(
        opening: layout.root,
        environment: TestStore.environment(on: forgetting, index: index.path))
      try forgetter.repository.forget([old])
    }
    try store.backUp(TestDisk(chunks: 1, seed: 2), job: "a")
    #expect(fileSystem.problems == [])
    #expect(forgetting.problems == [])
  }

  /// A file system may make the two names of a renamed file durable one by one. Were the old one gone first,
  /// nobody could tell what those who still read the revision rely on.
  @Test func aForgottenRevisionIsDurableInItsNewPlaceFirst() throws {
    let id = try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    fileSystem.record()
    try store.repository.forget([id])
    let calls = fileSystem.calls.drop { !$0.hasPrefix("rename") }
    let synchronized = calls.filter { $0.hasPrefix("synchronizeDirectory") }
    #expect(
      synchronized == [
        "synchronizeDirectory \(layout.forgotten)", "synchronizeDirectory \(layout.revisions)",
      ])
  }

  /// Marks without a revision would count as those of a lost one.
  @Test func marksAreDurablyGoneBeforeTheirForgottenRevision() throws {
    let id = try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    try store.repository.updateMarks(of: id) { $0.tags = ["kept"] }
    try store.repository.forget([id])
    fileSystem.interrupt(.after, .remove, of: "/forgotten/") { [self] in
      try expectNothingIsLost()
    }
    try store.repository.removeForgotten([id])
    #expect(fileSystem.problems == [])
  }

  /// Who looks at what is needed finishes what a killed process began.
  @Test func whatCountsAsForgottenStaysSo() throws {
    let id = try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    fileSystem.interrupt(.after, .rename, of: "/forgotten/") { [self] in
      let killed = disk.afterKill(at: disk.operationCount)
      let roots = try repository(in: killed, "killed").roots(changesNothing: false)
      #expect(roots.listing.entries.isEmpty)
      try afterPowerFailures(of: killed) { repository in
        let left = try repository.revisions().entries
        #expect(left.isEmpty)
      }
    }
    try store.repository.forget([id])
    #expect(fileSystem.problems == [])
  }

  // MARK: - Sessions

  /// Whoever tidies up takes a file that nobody holds a lock on for one that a crash left behind.
  @Test func aSessionIsHeldWhenItGetsItsName() throws {
    fileSystem.interrupt(.after, .rename, of: "/sessions/") { [other] in
      try other.repository.sessions.removeAbandoned()
      #expect(try other.repository.liveSessions().map(\.record.purpose) == ["test"])
    }
    let writing = try store.beginWriting()
    #expect(try other.repository.liveSessions().map(\.id) == [writing.session.id])
    writing.end()
    #expect(fileSystem.problems == [])
  }

  @Test func aSessionThatPinsARevisionThatIsGoneDoesNotBegin() throws {
    let id = try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    fileSystem.interrupt(.before, .rename, of: "/sessions/") { [other] in
      try other.repository.forget([id])
      try other.repository.removeForgotten([id])
    }
    let error = #expect(throws: StoreError.self) {
      try store.repository.beginWriting("test", pinned: [id], context: .testing())
    }
    #expect(error?.code == .notFound)
    #expect(try other.repository.liveSessions().isEmpty)
    #expect(fileSystem.problems == [])
  }

  @Test(arguments: [SimulatedCall.Kind.createFile, .rename])
  func aSessionFromBeforeTheCondemnationIsAwaited(_ kind: SimulatedCall.Kind) throws {
    try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    let pack = try #require(try store.repository.records.packsPresent().first)
    // The first sees nothing of the condemnation; the second may rely on it no more.
    fileSystem.interrupt(.before, kind, of: "/condemned/") { [other] in
      let writing = try other.beginWriting()
      writing.leave()
    }
    let stored = try store.repository.condemn([(pack, .data)], at: 1)
    let living = try other.repository.liveSessions().map(\.id)
    #expect(living.count == 1)
    #expect(stored.condemnation.awaited == living)
    let noted = try other.repository.condemnations().first
    #expect(noted?.condemnation.awaited == living)
    #expect(fileSystem.problems == [])
  }

  @Test func aSessionFromAfterTheCondemnationReliesOnNothingOfIt() throws {
    let content = TestDisk(chunks: 1, seed: 1)
    try store.backUp(content, job: "a")
    let id = try store.id(of: content.chunks[0], type: .chunk)
    let pack = try #require(try store.repository.records.copies(of: id).first).pack.id
    fileSystem.interrupt(.after, .rename, of: "/condemned/") { [other] in
      let writing = try other.beginWriting()
      #expect(try !writing.writer.standing(of: id).isStored)
      writing.end()
    }
    _ = try store.repository.condemn([(pack, .data)], at: 1)
    #expect(fileSystem.problems == [])
  }

  /// The collection does not await a session that it could not see.
  @Test func aSessionReliesOnNothingThatWasCondemnedBeforeItCouldBeSeen() throws {
    let content = TestDisk(chunks: 1, seed: 1)
    try store.backUp(content, job: "a")
    let id = try store.id(of: content.chunks[0], type: .chunk)
    let pack = try #require(try store.repository.records.copies(of: id).first).pack.id
    fileSystem.interrupt(.before, .rename, of: "/sessions/") { [other] in
      let condemned = try other.repository.condemn([(pack, .data)], at: 1)
      #expect(condemned.condemnation.awaited == [])
    }
    let writing = try store.beginWriting()
    #expect(try !writing.writer.standing(of: id).isStored)
    writing.end()
    #expect(fileSystem.problems == [])
  }

  // MARK: - Looking again

  /// What is in memory says nothing about the disk.
  @Test func aQuarantinedCopyIsReadFromStorageAgain() throws {
    let content = TestDisk(chunks: 1, seed: 1)
    try store.backUp(content, job: "a")
    let id = try store.id(of: content.chunks[0], type: .chunk)
    let copy = try #require(try store.repository.records.copies(of: id).first)
    try store.repository.quarantine(
      [DamagedCopy(copy, StoreError(.damaged, "spoilt"))], finder: "test",
      context: .testing())
    fileSystem.record()
    #expect(try store.repository.reviewQuarantine(context: .testing()).count == 1)
    let calls = fileSystem.calls.filter { $0.hasSuffix("\(copy.pack.id)") }
    let forgotten = try #require(calls.firstIndex { $0.hasPrefix("forgetCached") })
    #expect(calls[forgotten...].contains { $0.hasPrefix("read") })
  }
}

extension WritingSession {
  /// Lets the session live on for as long as the process does.
  fileprivate func leave() { _ = Unmanaged.passRetained(session) }
}
