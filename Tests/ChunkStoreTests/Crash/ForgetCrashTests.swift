import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Revisions are forgotten, and the power fails or the process is killed after every single operation.
@Suite struct ForgetCrashTests {
  private static let seeds: UInt64 = 8

  /// A repository of three revisions, two of which are forgotten.
  private struct Scenario {
    let fileSystem: SimulatedFileSystem
    let forgotten: [RevisionID]
    let kept: RevisionID
    let begunAt: Int
    let doneAt: Int

    init(lapse: CarelessFileSystem.Lapse? = nil) throws {
      let fileSystem = SimulatedFileSystem()
      self.fileSystem = fileSystem
      try fileSystem.createDirectories("/srv")
      let index = try TemporaryDirectory(inMemory: true)
      let store = try TestStore(
        creating: CrashScenario.root, encrypted: false,
        environment: TestStore.environment(on: fileSystem, index: index.path))
      let ids = try [1, 2, 3].map { seed in
        try store.backUp(TestDisk(chunks: 2, seed: seed), job: "a")
      }
      for id in ids { try store.repository.updateMarks(of: id) { $0.tags = ["kept"] } }
      // It may be missing, in a copy for example.
      try fileSystem.remove(RepositoryLayout(root: CrashScenario.root).forgotten)
      try fileSystem.synchronizeDirectory(CrashScenario.root)
      begunAt = fileSystem.operationCount
      let seam: any FileSystem =
        lapse.map { CarelessFileSystem(fileSystem, lapse: $0) } ?? fileSystem
      let forgetting = try TestStore(
        opening: CrashScenario.root,
        environment: TestStore.environment(on: seam, index: index.path))
      try forgetting.repository.forget(Array(ids[..<2]))
      doneAt = fileSystem.operationCount
      (forgotten, kept) = (Array(ids[..<2]), ids[2])
    }

    /// What is broken of the promise, after a crash that left `crashed` when `count` operations had been
    /// done.
    func violations(of crashed: SimulatedFileSystem, at count: Int) throws -> [String] {
      let index = try TemporaryDirectory(inMemory: true)
      let store = try TestStore(
        opening: CrashScenario.root,
        environment: TestStore.environment(on: crashed, index: index.path))
      let listing = try store.repository.revisions()
      var violations = listing.unreadable.map { "\($0.id) is torn" }
      let there = Set(listing.entries.map(\.id))
      if !there.contains(kept) { violations.append("the kept one is gone") }
      for entry in listing.entries {
        if entry.marks.tags != ["kept"] { violations.append("\(entry.id) has lost its marks") }
        _ = try store.disk(of: entry.id)
      }
      for id in forgotten {
        if there.contains(id) {
          if count >= doneAt { violations.append("\(id) is back") }
        } else if try !isSaved(id, in: crashed) {
          violations.append("\(id) is in neither place")
        }
      }
      // Whoever comes next can finish it.
      try store.repository.forget { $0.entries.map(\.id).filter { $0 != kept } }
      if try store.repository.revisions().entries.map(\.id) != [kept] {
        violations.append("it cannot be finished")
      }
      return violations
    }

    private func isSaved(_ id: RevisionID, in crashed: SimulatedFileSystem) throws -> Bool {
      let layout = RepositoryLayout(root: CrashScenario.root)
      let bytes = try? crashed.readAll(layout.forgotten(id), limitBytes: 1 << 20)
      return try bytes.map { try RevisionID(of: $0) == id } ?? false
    }
  }

  @Test func everyCrashLeavesWhatWasPromised() throws {
    let scenario = try Scenario()
    #expect(scenario.doneAt - scenario.begunAt >= 5)
    for count in scenario.begunAt...scenario.doneAt {
      let killed = scenario.fileSystem.afterKill(at: count)
      #expect(try scenario.violations(of: killed, at: count) == [], "killed at \(count)")
      for seed in 0..<Self.seeds {
        var random = SeededRandom(seed: seed)
        let crashed = scenario.fileSystem.afterPowerFailure(at: count, using: &random)
        #expect(
          try scenario.violations(of: crashed, at: count) == [],
          "power failure at \(count), seed \(seed)")
      }
    }
  }

  /// Each barrier is missed when it is left out.
  @Test(
    arguments: [.names(in: "revisions"), .names(in: "repository")]
      as [CarelessFileSystem.Lapse])
  func aMissingBarrierIsFound(_ lapse: CarelessFileSystem.Lapse) throws {
    let scenario = try Scenario(lapse: lapse)
    for count in scenario.begunAt...scenario.doneAt {
      for seed in 0..<40 as Range<UInt64> {
        var random = SeededRandom(seed: seed)
        let crashed = scenario.fileSystem.afterPowerFailure(at: count, using: &random)
        let violations = try? scenario.violations(of: crashed, at: count)
        if violations != [] { return }
      }
    }
    Issue.record("no crash shows it")
  }
}
