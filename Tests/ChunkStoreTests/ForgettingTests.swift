import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Revisions that are forgotten, and policies.
@Suite final class ForgettingTests: SimulatedStore {
  private func listed() throws -> Set<RevisionID> {
    Set(try repository.revisions().entries.map(\.id))
  }

  private func names(in directory: FilePath) throws -> [String] {
    try fileSystem.list(directory).map(\.name)
  }

  private func expectFailure(_ code: StoreError.Code, _ body: () throws -> Void) {
    let error = #expect(throws: StoreError.self) { try body() }
    #expect(error?.code == code)
  }

  // MARK: - Forgetting

  @Test func whatIsForgottenNobodyFinds() throws {
    let (first, second) = (try backUp("a", seed: 1), try backUp("a", seed: 2))
    try repository.updateMarks(of: first) { $0.tags = ["golden"] }
    try repository.forget([first])
    #expect(try listed() == [second])
    expectFailure(.notFound) { _ = try repository.revision(first) }
    expectFailure(.notFound) { try repository.updateMarks(of: first) { $0.tags = [] } }
    #expect(throws: ReferenceError.self) {
      try RevisionReference("\(first)").revision(
        in: repository.revisions().entries, now: TestStore.time)
    }
    // Garbage collection needs the file for who still reads it; the marks it removes with it.
    #expect(try names(in: layout.forgotten) == ["\(first)"])
    #expect(try names(in: layout.marks).contains("\(first)"))
    #expect(try store.disk(of: second) == TestDisk(chunks: 1, seed: 2))
  }

  @Test func anotherProcessSeesItAtOnce() throws {
    let id = try backUp("a", seed: 1)
    let other = try TestStore(opening: layout.root, environment: environment).repository
    #expect(try other.revisions().entries.map(\.id) == [id])
    try repository.forget([id])
    #expect(try other.revisions().entries.isEmpty)
  }

  @Test func oneThatIsMissingSavesAll() throws {
    let (first, second) = (try backUp("a", seed: 1), try backUp("a", seed: 2))
    try repository.forget([first])
    expectFailure(.notFound) { try repository.forget([second, first]) }
    #expect(try listed() == [second])
  }

  @Test func oneThatCannotBeReadCanBeForgotten() throws {
    let id = try backUp("a", seed: 1)
    try fileSystem.writeDurably([1], to: layout.revision(id), permissions: .ownerReadWrite)
    #expect(try repository.revisions().unreadable.map(\.id) == [id])
    try repository.forget([id])
    #expect(try repository.revisions().unreadable.isEmpty)
  }

  /// Whoever chooses sees what holds until it is forgotten.
  @Test func choosingSeesAllRevisions() throws {
    let (first, second) = (try backUp("a", seed: 1), try backUp("b", seed: 2))
    try repository.updateMarks(of: second) { $0.isProtected = true }
    try repository.forget { listing in
      listing.entries.filter { !$0.marks.isProtected }.map(\.id)
    }
    #expect(try listed() == [second])
    #expect(try names(in: layout.forgotten) == ["\(first)"])
  }

  @Test func whoeverRefusesForgetsNothing() throws {
    struct Refusal: Error {}
    let id = try backUp("a", seed: 1)
    #expect(throws: Refusal.self) { try repository.forget { _ in throw Refusal() } }
    #expect(try listed() == [id])
    // The lock is free again.
    try repository.forget([id])
  }

  @Test func aReadOnlyRepositoryIsNamed() throws {
    let id = try backUp("a", seed: 1)
    fileSystem.setFaults { $0.kind.isChange || $0.kind == .lock ? .readOnlyFileSystem : nil }
    let error = #expect(throws: StoreError.self) { try repository.forget([id]) }
    #expect(error?.code == .readOnly)
    #expect(error?.message.contains("/repository") == true)
    #expect(try listed() == [id])
  }

  /// Half-way there is no room for a name: what went before is forgotten, the rest is as it was.
  @Test func aFullFileSystemStopsInBetween() throws {
    let ids = [
      try backUp("a", seed: 1), try backUp("a", seed: 2), try backUp("a", seed: 3),
    ]
    let stuck = layout.revision(ids[1])
    fileSystem.setFaults { $0.kind == .rename && $0.path == stuck ? .noSpace : nil }
    expectFailure(.noSpace) { try repository.forget(ids) }
    fileSystem.setFaults(nil)
    #expect(try listed() == [ids[1], ids[2]])
    let count = fileSystem.operationCount
    var random = SeededRandom()
    let crashed = fileSystem.afterPowerFailure(at: count, using: &random)
    #expect(try crashed.list(layout.revisions).count == 2, "\(random)")
    try repository.forget([ids[1], ids[2]])
    #expect(try listed().isEmpty)
  }

  /// A full file system takes a name once the first part of the reserve is given up.
  @Test func theReserveMakesRoomForNames() throws {
    let ids = [
      try backUp("a", seed: 1), try backUp("a", seed: 2), try backUp("a", seed: 3),
    ]
    let (stuck, reserve) = (layout.revision(ids[1]), layout.root.appending("index/reserve-1"))
    let isFull = Mutex(true)
    fileSystem.setFaults { call in
      if call.kind == .remove, call.path == reserve { isFull.withLock { $0 = false } }
      return call.kind == .rename && call.path == stuck && isFull.withLock { $0 } ? .noSpace : nil
    }
    try repository.forget(Array(ids[..<2]))
    #expect(try listed() == [ids[2]])
    #expect(try Set(names(in: layout.forgotten)) == Set(ids[..<2].map(\.description)))
    #expect(try !fileSystem.exists(reserve))
  }

  /// What was moved before the room ran out is durable there before it is gone from its old place.
  @Test func aSecondAttemptLosesNothing() throws {
    let (first, second) = (try backUp("a", seed: 1), try backUp("a", seed: 2))
    let begun = fileSystem.operationCount
    let isFull = Mutex(true)
    let forgotten = layout.forgotten
    fileSystem.setFaults { call in
      guard call.kind == .synchronizeDirectory, call.path == forgotten else { return nil }
      return isFull.withLock { full in
        defer { full = false }
        return full ? .noSpace : nil
      }
    }
    try repository.forget([first, second])
    for count in begun...fileSystem.operationCount {
      for seed in 0..<8 as Range<UInt64> {
        var random = SeededRandom(seed: seed)
        let crashed = fileSystem.afterPowerFailure(at: count, using: &random)
        let found = try crashed.list(layout.revisions) + (crashed.listIfThere(forgotten) ?? [])
        #expect(
          Set(found.map(\.name)).isSuperset(of: [first, second].map(\.description)),
          "power failure at \(count), seed \(seed)")
      }
    }
  }

  // MARK: - Users

  @Test func whoeverReadsIsNamed() throws {
    let (used, other) = (try backUp("a", seed: 1), try backUp("a", seed: 2))
    let session = try repository.beginReading(
      "restore of a", pinned: [used, used], context: .testing())
    let users = try repository.revisionUsers()
    #expect(users[other] == nil)
    #expect(users[used]?.count == 1)
    #expect(users[used]?[0].hasPrefix("restore of a (process ") == true)
    session.end()
    #expect(try repository.revisionUsers().isEmpty)
  }

  // MARK: - Policies

  private let policy = RetentionPolicy(
    rules: [.calendar(.day, count: 7), .tagged("golden")], timeZone: "Europe/Berlin")

  @Test func policiesAreKept() throws {
    #expect(try repository.retentionPolicies() == RetentionPolicies())
    try repository.updateRetentionPolicies {
      $0.standard = RetentionPolicy(rules: [.newest(count: 1)])
    }
    try repository.updateRetentionPolicies { $0["web01"] = policy }
    let other = try TestStore(opening: layout.root, environment: environment).repository
    let found = try other.retentionPolicies()
    #expect(found["web01"] == policy)
    #expect(found["db01"] == nil)
    #expect(found[nil] == RetentionPolicy(rules: [.newest(count: 1)]))
    try other.updateRetentionPolicies { $0["web01"] = nil }
    #expect(try repository.retentionPolicies().jobs.isEmpty)
  }

  @Test func policiesOfAnEncryptedRepositoryShowNoNames() throws {
    try repository.updateRetentionPolicies { $0["web01"] = policy }
    let bytes = try fileSystem.readAll(layout.policies, limitBytes: 1 << 20)
    for name in ["web01", "golden", "Berlin"] {
      #expect(bytes.firstRange(of: Array(name.utf8)) == nil)
    }
  }

  @Test func damagedPoliciesAreNoPolicies() throws {
    try repository.updateRetentionPolicies { $0["web01"] = policy }
    var bytes = try fileSystem.readAll(layout.policies, limitBytes: 1 << 20)
    bytes[80] ^= 1
    try fileSystem.writeDurably(bytes, to: layout.policies, permissions: .ownerReadWrite)
    expectFailure(.damaged) { _ = try repository.retentionPolicies() }
    expectFailure(.damaged) { try repository.updateRetentionPolicies { $0.standard = policy } }
    var replaced: StoreError?
    try repository.updateRetentionPolicies(replacing: { replaced = $0 }, { $0.standard = policy })
    #expect(replaced?.code == .damaged)
    let stored = try repository.retentionPolicies()
    #expect(stored.standard == policy)
    #expect(stored.jobs.isEmpty)
  }

  @Test func whatCannotBeStoredIsRefused() throws {
    expectFailure(.invalidRequest) {
      try repository.updateRetentionPolicies { $0["web01"] = RetentionPolicy(rules: []) }
    }
    #expect(try repository.retentionPolicies() == RetentionPolicies())
  }

  @Test func manyWhoStorePoliciesLoseNone() throws {
    let (repository, policy) = (repository, policy)
    try concurrently(4) { number in
      for count in 0..<5 {
        try repository.updateRetentionPolicies { $0["job\(number)-\(count)"] = policy }
      }
    }
    #expect(try repository.retentionPolicies().jobs.count == 20)
  }
}
