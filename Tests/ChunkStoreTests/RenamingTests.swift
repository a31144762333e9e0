import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Jobs that get another name.
@Suite final class RenamingTests: SimulatedStore {
  private func jobs() throws -> Set<String> {
    Set(try repository.revisions().entries.map(\.revision.job))
  }

  private func expectRefusal(
    _ code: StoreError.Code, from old: String = "old", to new: String = "new"
  ) throws {
    let before = try (jobs(), repository.retentionPolicies())
    let error = #expect(throws: StoreError.self) { try repository.renameJob(old, to: new) }
    #expect(error?.code == code)
    #expect(try (jobs(), repository.retentionPolicies()) == before)
  }

  @Test func everythingOfTheJobGoesOver() throws {
    let (first, second) = (try backUp("old", seed: 1), try backUp("old", seed: 2))
    let other = try backUp("other", seed: 3)
    try repository.updateMarks(of: first) {
      $0.tags = ["golden"]
      $0.isProtected = true
    }
    #expect(try repository.renameJob("old", to: "Größe+1").revisions == 2)
    // Another process sees it, too, and so does one that had read the revisions before.
    let opened = try TestStore(opening: layout.root, environment: environment).repository
    for repository in [repository, opened] {
      let listing = try repository.revisions()
      #expect(Set(try listing.history(of: "Größe+1").map(\.id)) == [first, second])
      #expect(throws: ReferenceError.self) { try listing.history(of: "old") }
      #expect(try repository.revision(first).revision.job == "Größe+1")
      #expect(try repository.revision(first).marks.tags == ["golden"])
      #expect(try repository.revision(first).marks.isProtected)
      #expect(try repository.revision(other).revision.job == "other")
    }
    #expect(try store.disk(of: second) == TestDisk(chunks: 1, seed: 2))
  }

  @Test func namesWithAnIDStayGood() throws {
    let id = try backUp("old", seed: 1)
    try repository.renameJob("old", to: "newer")
    try repository.renameJob("newer", to: "newest")
    let listing = try repository.revisions()
    for job in ["old", "newer", "newest"] {
      #expect(try listing.revision(RevisionReference("\(job)@\(id)")).id == id)
    }
    for name in ["old@latest", "other@\(id)"] {
      #expect(throws: ReferenceError.self) { try listing.revision(RevisionReference(name)) }
    }
    try repository.renameJob("newest", to: "old")
    #expect(try repository.revision(id).revision.job == "old")
    #expect(try repository.revision(id).marks.formerJobs == ["newer", "newest"])
  }

  @Test func aNameThatIsTakenIsRefused() throws {
    _ = (try backUp("old", seed: 1), try backUp("new", seed: 2))
    try expectRefusal(.alreadyExists)
    try expectRefusal(.invalidRequest, to: "old")
    try expectRefusal(.notFound, from: "missing")
    try repository.updateRetentionPolicies {
      $0["policed"] = RetentionPolicy(rules: [.newest(count: 1)])
    }
    try expectRefusal(.alreadyExists, to: "policed")
  }

  @Test(arguments: ["old", "new"])
  func aRunningBackupIsHonoured(job: String) throws {
    _ = try backUp("old", seed: 1)
    let backup = try repository.beginWriting(
      SessionRecord.purposeOfBackup(of: job), pinned: [], context: .testing())
    try expectRefusal(.busy)
    backup.end()
    try repository.renameJob("old", to: "new")
    #expect(try jobs() == ["new"])
  }

  @Test func whatCannotBeReadIsNotLeftBehind() throws {
    let (id, second) = (try backUp("old", seed: 1), try backUp("old", seed: 2))
    let bytes = try fileSystem.readAll(layout.revision(id), limitBytes: 1 << 20)
    try fileSystem.writeDurably([1], to: layout.revision(id), permissions: .ownerReadWrite)
    try expectRefusal(.damaged)
    try fileSystem.writeDurably(bytes, to: layout.revision(id), permissions: .ownerReadWrite)
    try repository.updateMarks(of: second) { $0.tags = ["a"] }
    try fileSystem.writeDurably([1], to: layout.marks(of: second), permissions: .ownerReadWrite)
    try expectRefusal(.damaged)
  }

  /// While one job is in two halves, another cannot be renamed.
  @Test func anInterruptedRenamingComesFirst() throws {
    _ = (try backUp("old", seed: 1), try backUp("other", seed: 2))
    try repository.updateRetentionPolicies { $0.renaming = JobRenaming(from: "old", to: "new") }
    try expectRefusal(.invalidRequest, from: "other", to: "another")
    // A backup under each name may have been made meanwhile.
    _ = (try backUp("old", seed: 3), try backUp("new", seed: 4))
    let renamed = try repository.renameJob("old", to: "new")
    #expect(renamed.isContinued && renamed.revisions == 2)
    #expect(try repository.revisions().history(of: "new").count == 3)
    #expect(try repository.retentionPolicies() == RetentionPolicies())
  }

  @Test func aJobOfWhichNothingCanBeReadIsNotCalledUnknown() throws {
    let id = try backUp("old", seed: 1)
    try fileSystem.writeDurably([1], to: layout.revision(id), permissions: .ownerReadWrite)
    let listing = try repository.revisions()
    for name in ["old", "old@latest"] {
      let error = #expect(throws: ReferenceError.self) {
        try listing.revision(RevisionReference(name))
      }
      let text = try #require(error?.description)
      #expect(
        text.contains("no revision of 'old' can be read; revision \(id) cannot be read"), "\(text)")
      #expect(!text.contains("no job"))
    }
  }
}
