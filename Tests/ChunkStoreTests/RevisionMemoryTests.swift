import ChunkFormat
import FileIO
import LocalObjects
import Synchronization
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Looking at all revisions again and again, as a server does.
@Suite struct RevisionMemoryTests {
  private let fileSystem = SimulatedFileSystem()
  private let index: TemporaryDirectory
  private let layout = RepositoryLayout(root: "/repository")
  private let store: TestStore

  init() throws {
    index = try TemporaryDirectory(inMemory: true)
    store = try TestStore(
      creating: layout.root, encrypted: true,
      environment: TestStore.environment(on: fileSystem, index: index.path))
  }

  @discardableResult
  private func backUp(_ seed: UInt64) throws -> RevisionID {
    try store.backUp(TestDisk(chunks: 1, seed: seed), job: "a")
  }

  /// The files that a look at all revisions opens, by the last part of their names.
  private func opened(by repository: Repository) throws -> (listing: RevisionListing, [String]) {
    let paths = PathList()
    fileSystem.setFaults { call in
      if call.kind == .openFile { paths.append(call.path) }
      return nil
    }
    defer { fileSystem.setFaults(nil) }
    return (try repository.revisions(), paths.all.compactMap { $0.lastComponent?.string })
  }

  private final class PathList: Sendable {
    private let paths = Mutex<[FilePath]>([])
    var all: [FilePath] { paths.withLock { $0 } }
    func append(_ path: FilePath) { paths.withLock { $0.append(path) } }
  }

  @Test func whatIsKnownIsNotReadAgain() throws {
    let first = try backUp(1)
    let (before, opened) = try opened(by: store.repository)
    #expect(before.entries.map(\.id) == [first])
    #expect(opened == ["\(first)"])
    #expect(try self.opened(by: store.repository).1.isEmpty)
    let second = try backUp(2)
    let (after, openedLater) = try self.opened(by: store.repository)
    #expect(Set(after.entries.map(\.id)) == [first, second])
    #expect(openedLater == ["\(second)"])
    #expect(try self.opened(by: store.repository).listing.entries.count == 2)
  }

  @Test func aForgottenRevisionIsGoneAtOnce() throws {
    let (first, second) = (try backUp(1), try backUp(2))
    #expect(try store.repository.revisions().entries.count == 2)
    try fileSystem.remove(layout.revision(first))
    let (listing, opened) = try opened(by: store.repository)
    #expect(listing.entries.map(\.id) == [second])
    #expect(opened.isEmpty)
    #expect(throws: StoreError.self) { try store.repository.revision(first) }
  }

  @Test func newMarksCountAtOnce() throws {
    let (first, second) = (try backUp(1), try backUp(2))
    _ = try store.repository.revisions()
    for tag in ["one", "two"] {
      try store.repository.updateMarks(of: first) { $0.tags = [tag] }
      let (listing, opened) = try opened(by: store.repository)
      #expect(listing.entries.first { $0.id == first }?.marks.tags == [tag])
      #expect(opened == ["\(first)"], "the marks, and no revision")
      #expect(try self.opened(by: store.repository).1.isEmpty)
    }
    try fileSystem.remove(layout.marks(of: first))
    #expect(try store.repository.revisions().entries.allSatisfy { $0.marks.tags.isEmpty })
    #expect(try store.repository.revisions().entries.map(\.id).contains(second))
  }

  @Test func whatCannotBeReadIsTriedAgain() throws {
    let (first, second) = (try backUp(1), try backUp(2))
    try store.repository.updateMarks(of: second) { $0.tags = ["good"] }
    let paths = [layout.revision(first), layout.marks(of: second)]
    fileSystem.setFaults { call in
      call.kind == .openFile && paths.contains(call.path) ? .ioError : nil
    }
    for _ in 0..<2 {
      let listing = try store.repository.revisions()
      #expect(listing.unreadable.map(\.id) == [first])
      #expect(listing.entries.map(\.marks.trust) == [.distrusted])
    }
    fileSystem.setFaults(nil)
    let listing = try store.repository.revisions()
    #expect(listing.unreadable.isEmpty)
    #expect(listing.entries.first { $0.id == second }?.marks.tags == ["good"])
  }

  @Test func aListingThatFailsIsAnErrorWhateverIsKnown() throws {
    try backUp(1)
    _ = try store.repository.revisions()
    fileSystem.setFaults { $0.kind == .list ? .ioError : nil }
    #expect(throws: StoreError.self) { try store.repository.revisions() }
  }

  @Test func memoryIsBounded() throws {
    let revisions = try (1...5 as ClosedRange<UInt64>).map { try backUp($0) }
    let sizes = try revisions.map {
      Int(try fileSystem.metadata(of: layout.revision($0)).sizeBytes)
    }
    let memory = RevisionMemory(limitBytes: (sizes.max() ?? 0) * 3)
    let revisionObjects = RevisionObjects(objects: store.repository.objects, memory: memory)
    for _ in 0..<3 {
      #expect(Set(try revisionObjects.list().entries.map(\.id)) == Set(revisions))
      #expect(memory.known.count == 3)
    }
  }
}
