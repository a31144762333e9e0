import ChunkFormat
import ChunkStore
import StoreTestSupport
import TestSupport
import Testing

/// Two processes, one of which acts in a gap between two operations of the other; then the power fails.
@Suite struct InterleavingTests {
  private let place: InterleavedStores

  init() throws { place = try InterleavedStores() }

  /// Or a job could be left without any.
  @Test func anOlderRevisionGoesOnlyWhenTheNewerIsDurable() throws {
    let old = try place.store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    place.fileSystem.interrupt(.before, .synchronizeDirectory, of: "/revisions") { [place] in
      try place.other.repository.forget([old])
      try place.afterPowerFailures { repository in
        let left = try repository.revisions().entries
        #expect(left.count == 1)
      }
    }
    try place.store.backUp(TestDisk(chunks: 1, seed: 2), job: "a")
    #expect(place.fileSystem.problems == [])
  }

  /// The same while the older one moves: only once it has moved would anything else make the newer one
  /// durable.
  @Test func theNewerRevisionIsDurableBeforeTheOlderMoves() throws {
    let old = try place.store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    let forgetting = InterruptedFileSystem(place.disk)
    place.fileSystem.interrupt(.before, .synchronizeDirectory, of: "/revisions") { [place] in
      forgetting.interrupt(.after, .rename, of: "/forgotten/") { [place] in
        try place.afterPowerFailures { repository in
          let left = try repository.revisions().entries
          #expect(!left.isEmpty)
        }
      }
      try place.repository(on: forgetting).forget([old])
    }
    try place.store.backUp(TestDisk(chunks: 1, seed: 2), job: "a")
    #expect(place.fileSystem.problems == [])
    #expect(forgetting.problems == [])
  }

  /// A file system may make the two names of a renamed file durable one by one. Were the old one gone first,
  /// nobody could tell what those who still read the revision rely on.
  @Test func aForgottenRevisionIsDurableInItsNewPlaceFirst() throws {
    let id = try place.store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    place.fileSystem.record()
    try place.store.repository.forget([id])
    let calls = place.fileSystem.calls.drop { !$0.hasPrefix("rename") }
    let synchronized = calls.filter { $0.hasPrefix("synchronizeDirectory") }
    #expect(
      synchronized == [
        "synchronizeDirectory \(place.layout.forgotten)",
        "synchronizeDirectory \(place.layout.revisions)",
      ])
  }

  /// Whoever tidies up takes a file that nobody holds a lock on for one that a crash left behind.
  @Test func aSessionIsHeldWhenItGetsItsName() throws {
    place.fileSystem.interrupt(.after, .rename, of: "/sessions/") { [place] in
      try place.other.repository.removeAbandonedSessions()
      #expect(try place.other.repository.liveSessions().map(\.record.purpose) == ["test"])
    }
    let writing = try place.store.beginWriting()
    #expect(try place.other.repository.liveSessions().map(\.id) == [writing.session.id])
    writing.end()
    #expect(place.fileSystem.problems == [])
  }

  /// What is in memory says nothing about the disk.
  @Test func aQuarantinedCopyIsReadFromStorageAgain() throws {
    let content = TestDisk(chunks: 1, seed: 1)
    try place.store.backUp(content, job: "a")
    let id = try place.store.id(of: content.chunks[0], type: .chunk)
    let copy = try #require(try place.store.repository.records.copies(of: id).first)
    try place.store.repository.quarantine(
      [DamagedCopy(copy, StoreError(.damaged, "spoilt"))], finder: "test",
      context: .testing())
    place.fileSystem.record()
    #expect(try place.store.repository.reviewQuarantine(context: .testing()).count == 1)
    let calls = place.fileSystem.calls.filter { $0.hasSuffix("\(copy.pack.id)") }
    let forgotten = try #require(calls.firstIndex { $0.hasPrefix("forgetCached") })
    #expect(calls[forgotten...].contains { $0.hasPrefix("read") })
  }
}
