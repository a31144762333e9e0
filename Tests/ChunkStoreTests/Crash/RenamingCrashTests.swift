import ChunkFormat
import FileIO
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// A job is renamed, and the power fails or the process is killed after every single operation.
@Suite struct RenamingCrashTests {
  private static let seeds: UInt64 = 4
  private static let policy = RetentionPolicy(rules: [.newest(count: 3)])

  /// A repository with three revisions of `old`, which is renamed, and one of another job.
  private struct Scenario {
    let fileSystem = SimulatedFileSystem()
    let ids: Set<RevisionID>
    let begunAt: Int
    let doneAt: Int

    init() throws {
      try fileSystem.createDirectories("/srv")
      let index = try TemporaryDirectory(inMemory: true)
      let store = try TestStore(
        creating: CrashScenario.root, encrypted: false,
        environment: TestStore.environment(on: fileSystem, index: index.path))
      var ids: [RevisionID] = []
      for seed in [1, 2, 3] as [UInt64] {
        ids.append(try store.backUp(TestDisk(chunks: 2, seed: seed), job: "old", parent: ids.last))
      }
      try store.backUp(TestDisk(chunks: 2, seed: 4), job: "other")
      try store.repository.updateMarks(of: ids[0]) { $0.tags = ["kept"] }
      try store.repository.updateRetentionPolicies { $0["old"] = RenamingCrashTests.policy }
      begunAt = fileSystem.operationCount
      let renamed = try store.repository.renameJob("old", to: "new")
      #expect(renamed.revisions == 3 && renamed.hasPolicy && !renamed.isContinued)
      doneAt = fileSystem.operationCount
      self.ids = Set(ids)
    }

    /// What is broken of the promise after a crash.
    func violations(of crashed: SimulatedFileSystem, isDone: Bool) throws -> [String] {
      let index = try TemporaryDirectory(inMemory: true)
      let repository = try TestStore(
        opening: CrashScenario.root,
        environment: TestStore.environment(on: crashed, index: index.path)
      ).repository
      var violations = try jobs(in: repository) { ["old", "new"].contains($0) }
      let policies = try repository.retentionPolicies()
      let entries = try repository.revisions().entries
      for job in Set(entries.map(\.revision.job)) where job != "other" {
        if policies[job] != RenamingCrashTests.policy { violations.append("\(job) has no policy") }
      }
      // Whoever comes next can finish it.
      if entries.contains(where: { $0.revision.job == "old" }) || policies.renaming != nil {
        if isDone { violations.append("it was not done") }
        _ = try repository.renameJob("old", to: "new")
      }
      violations += try jobs(in: repository) { $0 == "new" }
      let left = try repository.retentionPolicies()
      if left != RetentionPolicies(jobs: ["new": RenamingCrashTests.policy]) {
        violations.append("the policies are \(left)")
      }
      return violations
    }

    private func jobs(
      in repository: Repository, areSound: (String) -> Bool
    ) throws -> [String] {
      let listing = try repository.revisions()
      var violations = listing.unreadable.map { "\($0.id) is torn" }
      violations += listing.entries.compactMap(\.marksDamage).map { "\($0)" }
      let own = listing.entries.filter { $0.revision.job != "other" }
      if Set(own.map(\.id)) != ids { violations.append("revisions are lost") }
      if own.filter({ $0.marks.tags == ["kept"] }).count != 1 { violations.append("a tag is lost") }
      violations += own.map(\.revision.job).filter { !areSound($0) }.map { "the job is \($0)" }
      return violations
    }
  }

  @Test func everyCrashLeavesWhatWasPromised() throws {
    let scenario = try Scenario()
    #expect(scenario.doneAt - scenario.begunAt >= 9)
    for count in scenario.begunAt...scenario.doneAt {
      let isDone = count == scenario.doneAt
      let killed = scenario.fileSystem.afterKill(at: count)
      #expect(try scenario.violations(of: killed, isDone: isDone) == [], "killed at \(count)")
      for seed in 0..<Self.seeds {
        var random = SeededRandom(seed: seed)
        let crashed = scenario.fileSystem.afterPowerFailure(at: count, using: &random)
        #expect(
          try scenario.violations(of: crashed, isDone: isDone) == [],
          "power failure at \(count), seed \(seed)")
      }
    }
  }
}
