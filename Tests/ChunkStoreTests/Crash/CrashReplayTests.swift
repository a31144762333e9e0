@testable import ChunkStore
import ChunkFormat
import FileIO
import Glibc
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

/// The state after every prefix of a scenario's operations, as a power failure or a kill may leave it.
///
/// With `VARVE_CRASH_SEEDS=N`, after every single operation, and N power failures at each; without it a
/// quarter of that, which still has every kind of operation among it.
@Suite struct CrashReplayTests {
  private static let givenSeeds =
    getenv("VARVE_CRASH_SEEDS").flatMap { UInt64(String(cString: $0)) }
  private static let seeds = givenSeeds ?? 1
  private static let step = givenSeeds == nil ? 4 : 1

  /// What a power failure at `count` breaks. The index that is found changes with the seed: none, one
  /// from before, one from after.
  private static func powerFailure(
    _ scenario: CrashScenario, at count: Int, seed: UInt64
  ) throws -> [String] {
    var random = SeededRandom(seed: seed &* 1_000_003 &+ UInt64(count))
    let crashed = scenario.fileSystem.afterPowerFailure(at: count, using: &random)
    let index = ([nil] + scenario.indexes.map(Optional.init)).randomElement(using: &random) ?? nil
    var inspection = CrashInspection(scenario, at: count, leaving: crashed, index: index)
    try inspection.run()
    return inspection.violations.map { "power failure at \(count), seed \(seed): \($0)" }
  }

  /// What a kill at `count` breaks, or a power failure after the backup that follows it: that backup
  /// relies on what the killed process named but did not synchronise.
  private static func kill(_ scenario: CrashScenario, at count: Int) throws -> [String] {
    let killed = scenario.fileSystem.afterKill(at: count)
    var inspection = CrashInspection(
      scenario, at: count, leaving: killed, index: count % 2 == 0 ? nil : scenario.indexes.last)
    let next = try inspection.run()
    var violations = inspection.violations
    if let next, violations.isEmpty {
      var random = SeededRandom(seed: UInt64(count))
      let crashed = killed.afterPowerFailure(at: killed.operationCount, using: &random)
      let index = try TemporaryDirectory(inMemory: true)
      do {
        let store = try TestStore(
          opening: CrashScenario.root,
          environment: TestStore.environment(on: crashed, index: index.path))
        if try store.disk(of: next) != scenario.lastDisk.touching(3, with: 0x11) {
          violations.append("the backup after the kill reads differently")
        }
      } catch {
        violations.append("after the kill, the backup and a power failure: \(error)")
      }
    }
    return violations.map { "kill at \(count): \($0)" }
  }

  /// Both cores have work with as many tests as this.
  private static let slices = 4

  @Test(arguments: [false, true], 0..<slices)
  func everyPrefixLeavesWhatWasPromised(encrypted: Bool, slice: Int) throws {
    let scenario = try CrashScenario(encrypted: encrypted)
    let total = scenario.fileSystem.operationCount
    #expect(total > 120, "the scenario is long enough to mean something")
    for count in stride(
      from: slice * Self.step + (encrypted ? Self.step / 2 : 0), through: total,
      by: Self.slices * Self.step)
    {
      for seed in 0..<Self.seeds {
        #expect(try Self.powerFailure(scenario, at: count, seed: seed) == [])
      }
      if !encrypted { #expect(try Self.kill(scenario, at: count) == []) }
    }
  }

  /// The replay finds each kind of missing barrier: without this, a replay that finds nothing would
  /// mean nothing.
  @Test(
    arguments: [
      .contents(of: "packs/data/"), .contents(of: "packs/maps/"), .contents(of: "revisions/"),
      .contents(of: "marks/"), .contents(of: "keys/"), .contents(of: "repository/.tmp"),
      .names(in: "packs/data"), .names(in: "packs/maps"), .names(in: "packs/data/"),
      .names(in: "packs/maps/"), .names(in: "revisions"),
      .names(in: "marks"), .names(in: "keys"), .names(in: "repository"), .names(in: "packs"),
      .names(in: "srv"), .namesFirst(of: "packs/data/"), .namesFirst(of: "packs/maps/"),
      .namesFirst(of: "revisions/"), .namesFirst(of: "marks/"), .namesFirst(of: "repository/.tmp"),
    ] as [CarelessFileSystem.Lapse])
  func aMissingBarrierIsFound(_ lapse: CarelessFileSystem.Lapse) throws {
    let scenario = try CrashScenario(encrypted: true, lapse: lapse)
    let fileSystem = scenario.fileSystem
    for count in [fileSystem.operationCount] + fileSystem.countsAfterRenaming {
      for seed in 0..<6 as Range<UInt64>
      where try !Self.powerFailure(scenario, at: count, seed: seed).isEmpty {
        return
      }
    }
    Issue.record("no crash shows it")
  }
}
