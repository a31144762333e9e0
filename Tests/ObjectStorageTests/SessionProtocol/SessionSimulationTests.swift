import Glibc
import Synchronization
import TestSupport
import Testing

/// Many lives of a repository without locks. `VARVE_SESSION_SCHEDULES=N` says how many, `VARVE_SEED=S` with which
/// seed they begin.
@Suite("Session protocol: simulation")
struct SessionSimulationTests {
  private static let schedules =
    number("VARVE_SESSION_SCHEDULES") ?? (longTestFactor == 1 ? 10_000 : 100_000)
  private static let firstSeed = number("VARVE_SEED") ?? 1
  private static let slices: UInt64 = 2
  /// The first schedule so far that failed.
  private static let firstFailure = Mutex<UInt64>(.max)

  private static func number(_ name: String) -> UInt64? {
    getenv(name).flatMap { UInt64(String(cString: $0)) }
  }

  @Test("No schedule loses a revision, or brings one back", arguments: 0..<slices)
  func nothingIsLost(slice: UInt64) {
    let seeds = stride(
      from: Self.firstSeed + slice, to: Self.firstSeed + Self.schedules, by: Int(Self.slices))
    for seed in seeds where Self.firstFailure.withLock({ seed < $0 }) {
      let simulation = SessionSimulation(seed: seed)
      simulation.run()
      guard let violation = simulation.violations.first else { continue }
      Self.firstFailure.withLock { $0 = min($0, seed) }
      let again = SessionSimulation(seed: seed, isTraced: true)
      again.run()
      Issue.record(
        """
        \(again.trace.joined(separator: "\n"))
        VIOLATED: \(violation)
        repeat with VARVE_SESSION_SCHEDULES=1 VARVE_SEED=\(seed)
        """)
      return
    }
  }
}
