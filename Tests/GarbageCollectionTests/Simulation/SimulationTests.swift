import Glibc
import Synchronization
import TestSupport
import Testing

/// Many lives of a repository. `VARVE_SCHEDULES=N` sets their number, and `VARVE_SEED=S` the first
/// seed. So `VARVE_SCHEDULES=1 VARVE_SEED=S` repeats one that failed.
@Suite("Simulation")
struct SimulationTests {
  private static let schedules = number("VARVE_SCHEDULES") ?? 40
  private static let firstSeed = number("VARVE_SEED") ?? 1
  /// There is one slice for each of two cores.
  private static let slices: UInt64 = 2

  /// The first schedule that has failed so far. Later ones are not needed any more.
  private static let firstFailure = Mutex<UInt64>(.max)

  /// The number of schedules that have ended.
  private static let ended = Mutex<UInt64>(0)

  private static func number(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }

  @Test("No committed content is lost, whatever happens", arguments: 0..<slices)
  func nothingIsLost(slice: UInt64) throws {
    var count = 0
    for seed in stride(
      from: Self.firstSeed + slice, to: Self.firstSeed + Self.schedules, by: Int(Self.slices))
    where Self.firstFailure.withLock({ seed < $0 }) {
      let outcome = try Schedule(seed: seed).run()
      Self.note(outcome.coverage)
      guard !outcome.violations.isEmpty else {
        count += 1
        continue
      }
      Self.firstFailure.withLock { $0 = min($0, seed) }
      let again = try Schedule(seed: seed).run(isTraced: true)
      Issue.record(
        """
        \(again.trace.joined(separator: "\n"))
        \(outcome.violations.joined(separator: "\n"))
        \(again.fingerprint == outcome.fingerprint ? "" : "the repetition went another way: \(again.violations)")
        repeat with VARVE_SCHEDULES=1 VARVE_SEED=\(seed)
        """)
      break
    }
    print("\(count) schedules, and nothing was lost")
  }

  /// Prints the number of distinct handovers after each tenth of the schedules; see ``Coverage``.
  private static func note(_ coverage: Coverage) {
    let count = coverage.addToAll()
    ended.withLock {
      $0 += 1
      guard schedules >= 100, $0 % (schedules / 10) == 0 else { return }
      print("\($0) schedules: \(count) different handovers")
    }
  }

  @Test("The same seed gives the same result")
  func repeats() throws {
    for seed in Self.firstSeed..<Self.firstSeed + 6 {
      let first = try Schedule(seed: seed).run()
      let second = try Schedule(seed: seed).run(isTraced: true)
      #expect(first.fingerprint == second.fingerprint, "seed \(seed)")
    }
  }

  @Test("Simultaneous first backups store shared content once")
  func storedOnce() throws {
    for seed in Self.firstSeed..<Self.firstSeed + max(6, Self.schedules / 50) {
      guard try Schedule.firstBackupsAtOnce(seed: seed) > 0 else { continue }
      Self.firstFailure.withLock { $0 = min($0, seed) }
      Issue.record(
        "VIOLATED: something is stored twice; repeat with VARVE_SCHEDULES=1 VARVE_SEED=\(seed)")
      break
    }
  }

  /// This needs thousands of schedules, and so an optimised build. It runs only on request.
  @Test(
    "Planted flaws are found",
    arguments: number("VARVE_SCHEDULES") == nil ? [] : PlantedFlaw.allCases)
  func finds(_ flaw: PlantedFlaw) throws {
    for seed in Self.firstSeed..<Self.firstSeed + Self.schedules {
      if let violation = try Schedule(seed: seed, flaw: flaw).run().violations.first {
        print("\(flaw): schedule \(seed): \(violation)")
        return
      }
    }
    Issue.record("no schedule finds it")
  }
}
