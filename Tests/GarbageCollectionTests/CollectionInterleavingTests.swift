import ChunkFormat
import ChunkStore
import GarbageCollection
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

/// The parts of a collection, and what another process does in a gap between two operations of one of them;
/// then the power fails.
@Suite struct CollectionInterleavingTests {
  private let place: InterleavedStores

  init() throws { place = try InterleavedStores() }

  private func newRevision(in repository: Repository) throws -> RevisionID {
    try #require(try repository.revisions().entries.last).id
  }

  private func expectNothingIsLost() throws {
    try place.afterPowerFailures { repository in
      let lost = try repository.lostRevisions(changesNothing: true)
      #expect(lost == [])
    }
  }

  @Test func marksAreNeverThereWithoutTheirRevision() throws {
    place.fileSystem.interrupt(.before, .synchronizeDirectory, of: "/revisions") { [self] in
      let id = try newRevision(in: place.other.repository)
      try place.other.repository.updateMarks(of: id) { $0.tags = ["kept"] }
      try expectNothingIsLost()
    }
    try place.store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    #expect(place.fileSystem.problems == [])
  }

  @Test func aPinIsNeverThereWithoutItsRevision() throws {
    place.fileSystem.interrupt(.before, .synchronizeDirectory, of: "/revisions") { [self] in
      let id = try newRevision(in: place.other.repository)
      let pin = place.other.repository.newPin(
        of: id, job: "a", for: "a test", at: "/overlay", context: .testing())
      let name = try PinName.random()
      #expect(try place.other.repository.pin(pin, as: name).isPinned)
      try expectNothingIsLost()
    }
    try place.store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    #expect(place.fileSystem.problems == [])
  }

  /// Marks without a revision would count as those of a lost one.
  @Test func marksAreDurablyGoneBeforeTheirForgottenRevision() throws {
    let id = try place.store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    try place.store.repository.updateMarks(of: id) { $0.tags = ["kept"] }
    try place.store.repository.forget([id])
    place.fileSystem.interrupt(.after, .remove, of: "/forgotten/") { [self] in
      try expectNothingIsLost()
    }
    try place.store.repository.removeForgotten([id])
    #expect(place.fileSystem.problems == [])
  }

  /// The check and the removal are close together. So a revision that is created again in between keeps
  /// its marks.
  @Test func forgottenRevisionsAreRemovedInGroups() throws {
    let repository = place.store.repository
    var ids: [RevisionID] = []
    for seed in 1...70 as ClosedRange<UInt64> {
      ids.append(try place.store.backUp(TestDisk(chunks: 1, seed: seed), job: "a"))
    }
    _ = try repository.updateMarks(of: ids) { _, marks in marks.tags = ["kept"] }
    try repository.forget(ids)
    place.fileSystem.record()
    try repository.removeForgotten(ids)
    let removed = place.fileSystem.calls.filter { $0.hasPrefix("remove ") }
    #expect(removed.count == 140)
    let first = removed.firstIndex { $0.contains("/forgotten/") }
    let last = removed.lastIndex { $0.contains("/marks/") }
    #expect(try #require(first) < #require(last))
    #expect(try repository.forgottenRevisions().isEmpty)
  }

  /// Who looks at what is needed finishes what a killed process began.
  @Test func whatCountsAsForgottenStaysSo() throws {
    let id = try place.store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    place.fileSystem.interrupt(.after, .rename, of: "/forgotten/") { [place] in
      let killed = place.disk.afterKill(at: place.disk.operationCount)
      let roots = try place.repository(on: killed, index: "killed").roots(changesNothing: false)
      #expect(roots.listing.entries.isEmpty)
      try place.afterPowerFailures(of: killed) { repository in
        let left = try repository.revisions().entries
        #expect(left.isEmpty)
      }
    }
    try place.store.repository.forget([id])
    #expect(place.fileSystem.problems == [])
  }

  @Test func aSessionThatPinsARevisionThatIsGoneDoesNotBegin() throws {
    let id = try place.store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    place.fileSystem.interrupt(.before, .rename, of: "/sessions/") { [place] in
      try place.other.repository.forget([id])
      try place.other.repository.removeForgotten([id])
    }
    let error = #expect(throws: StoreError.self) {
      try place.store.repository.beginWriting("test", pinned: [id], context: .testing())
    }
    #expect(error?.code == .notFound)
    #expect(try place.other.repository.liveSessions().isEmpty)
    #expect(place.fileSystem.problems == [])
  }

  @Test(arguments: [SimulatedCall.Kind.createFile, .rename])
  func aSessionFromBeforeTheCondemnationIsAwaited(_ kind: SimulatedCall.Kind) throws {
    try place.store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    let pack = try #require(try place.store.repository.records.packsPresent().first)
    // The first sees nothing of the condemnation; the second may rely on it no more.
    place.fileSystem.interrupt(.before, kind, of: "/condemned/") { [place] in
      let writing = try place.other.beginWriting()
      writing.leave()
    }
    let stored = try place.store.repository.condemn([(pack, .data)], at: 1)
    let living = try place.other.repository.liveSessions().map(\.id)
    #expect(living.count == 1)
    #expect(stored.condemnation.awaited == living)
    let noted = try place.other.repository.condemnations().first
    #expect(noted?.condemnation.awaited == living)
    #expect(place.fileSystem.problems == [])
  }

  @Test func aSessionFromAfterTheCondemnationReliesOnNothingOfIt() throws {
    let content = TestDisk(chunks: 1, seed: 1)
    try place.store.backUp(content, job: "a")
    let id = try place.store.id(of: content.chunks[0], type: .chunk)
    let pack = try #require(try place.store.repository.records.copies(of: id).first).pack.id
    place.fileSystem.interrupt(.after, .rename, of: "/condemned/") { [place] in
      let writing = try place.other.beginWriting()
      #expect(try !writing.writer.standing(of: id).isStored)
      writing.end()
    }
    _ = try place.store.repository.condemn([(pack, .data)], at: 1)
    #expect(place.fileSystem.problems == [])
  }

  /// The collection does not await a session that it could not see.
  @Test func aSessionReliesOnNothingThatWasCondemnedBeforeItCouldBeSeen() throws {
    let content = TestDisk(chunks: 1, seed: 1)
    try place.store.backUp(content, job: "a")
    let id = try place.store.id(of: content.chunks[0], type: .chunk)
    let pack = try #require(try place.store.repository.records.copies(of: id).first).pack.id
    place.fileSystem.interrupt(.before, .rename, of: "/sessions/") { [place] in
      let condemned = try place.other.repository.condemn([(pack, .data)], at: 1)
      #expect(condemned.condemnation.awaited == [])
    }
    let writing = try place.store.beginWriting()
    #expect(try !writing.writer.standing(of: id).isStored)
    writing.end()
    #expect(place.fileSystem.problems == [])
  }
}

extension WritingSession {
  /// Lets the session live on for as long as the process does.
  fileprivate func leave() { _ = Unmanaged.passRetained(session) }
}
