import ChunkFormat
@testable import ChunkStore
import FileIO
import GarbageCollection
import LocalObjects
import TestSupport
import Workers

/// One run of the simulation: the life of a repository, determined by a seed.
///
/// ```
/// some revisions ──▶ many processes at once, till the power fails or all have ended ──▶ … ──▶ quiet
///                    or a scene: a loss that is known, in the order that it takes
/// ```
struct Schedule {
  let seed: UInt64
  var flaw: PlantedFlaw?

  /// The result of the run.
  struct Outcome {
    let violations: [String]
    let trace: [String]
    let fingerprint: UInt64
    let operations: Int
    let coverage: Coverage
  }

  func run(isTraced: Bool = false) throws -> Outcome {
    var random = SeededRandom(seed: seed)
    let world = try SimulatedWorld(seed: random.next(), isTraced: isTraced)
    world.flaw = flaw
    var operations = 0
    try begin(world, &random)
    for _ in 0..<Int.random(in: 1...3, using: &random) where world.violations.isEmpty {
      if Int.random(in: 0..<4, using: &random) == 0 {
        try Scene.any(using: &random).play(world, &random)
      } else {
        try busyTime(world, &random)
      }
      operations += world.operations
      try world.restart()
    }
    if world.violations.isEmpty { try quietTime(world) }
    return Outcome(
      violations: world.violations, trace: world.trace ?? [], fingerprint: world.fingerprint,
      operations: operations, coverage: world.coverage)
  }

  /// Creates the first revisions, in one process.
  private func begin(_ world: SimulatedWorld, _ random: inout SeededRandom) throws {
    let count = Int.random(in: 2...4, using: &random)
    let life = { @Sendable (process: SimulatedProcess) in
      process.live(Array(repeating: .backup, count: count))
    }
    try world.live([SimulatedWorld.Role(name: "backup 0", life: life)], style: .chance(oneIn: 1))
  }

  private func busyTime(_ world: SimulatedWorld, _ random: inout SeededRandom) throws {
    let style = style(&random)
    let crash = crash(world, &random)
    var kinds: [Activity] = [.backup, .collection, .forgetting]
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      kinds.append(
        [
          .backup, .backup, .backup, .forgetting, .pruning, .collection, .verification, .reading,
          .reading, .tagging,
        ][
          Int.random(in: 0..<10, using: &random)])
    }
    let processes = kinds.enumerated().map { number, kind in
      var activities = [kind]
      while Int.random(in: 0..<3, using: &random) == 0 { activities.append(kind) }
      let machine = Int.random(in: 0..<3, using: &random) == 0 ? 1 : 0
      return SimulatedWorld.Role(
        name: "\(kind.rawValue) \(number + 1)", machine: machine, fate: fate(world, &random)
      ) { [activities] process in process.live(activities) }
    }
    try world.live(processes, style: style, crash: crash)
  }

  private func crash(
    _ world: SimulatedWorld, _ random: inout SeededRandom
  ) -> SimulatedWorld.Crash? {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: .operation(Int.random(in: 1...600, using: &random))
    case 1: .moment(Moment(in: world.layout, using: &random))
    default: nil
    }
  }

  private func style(_ random: inout SeededRandom) -> Turns.Style {
    Bool.random(using: &random)
      ? .chance(oneIn: [2, 8, 30, 120][Int.random(in: 0..<4, using: &random)])
      : .rank(
        changes: Int.random(in: 1...4, using: &random),
        chances: [100, 300, 1000][Int.random(in: 0..<3, using: &random)])
  }

  private func fate(
    _ world: SimulatedWorld, _ random: inout SeededRandom
  ) -> SimulatedProcess.Fate {
    var fate = SimulatedProcess.Fate()
    fate.faults = faults(&random)
    if Int.random(in: 0..<8, using: &random) == 0 {
      fate.strikes.append((Moment(in: world.layout, using: &random), .kill))
    }
    for _ in 0..<max(0, Int.random(in: -2...2, using: &random)) {
      let chances = [60, 300, 1500][Int.random(in: 0..<3, using: &random)]
      fate.rests.append((Moment(in: world.layout, using: &random), chances))
    }
    return fate
  }

  private func faults(
    _ random: inout SeededRandom
  ) -> [Int: SimulatedProcess.Fault] {
    guard Int.random(in: 0..<3, using: &random) == 0 else { return [:] }
    let fault: SimulatedProcess.Fault =
      switch Int.random(in: 0..<8, using: &random) {
      case 0: .stop
      case 1: .fullDisk(Int.random(in: 1...6, using: &random))
      case 2: .failingLists(Int.random(in: 1...3, using: &random))
      case 3: .failingPacks(Int.random(in: 1...3, using: &random))
      case 4, 5: .fullDiskForPack
      default: .kill
      }
    return [Int.random(in: 1...250, using: &random): fault]
  }

  /// Runs two first backups of the same content at once.
  ///
  /// - Returns: how many records were stored more than once.
  static func firstBackupsAtOnce(seed: UInt64) throws -> Int {
    var random = SeededRandom(seed: seed)
    let world = try SimulatedWorld(seed: random.next(), isTraced: false)
    // Some content occurs several times.
    let contents = (0..<3).map { SimulatedContent(family: $0, version: 0) }
    let disk = SimulatedDisk(
      (0..<5).map { _ in contents[Int.random(in: contents.indices, using: &random)] })
    let life = { @Sendable (process: SimulatedProcess) in
      do {
        try SimulatedBackup(process, process.open(), disk: disk).run()
      } catch {
        world.violated("\(process.name) fails: \(error)")
      }
    }
    try world.live(
      (1...3).map { SimulatedWorld.Role(name: "backup \($0)", life: life) },
      style: .chance(oneIn: 4))
    world.inspect("in the end")
    guard world.violations.isEmpty else { throw StoreError(.damaged, "\(world.violations)") }
    let copies = world.ledger.table.packs.values.flatMap { $0.copies.map { ($0, $1.count) } }
    return Dictionary(copies, uniquingKeysWith: +).values.count { $0 > 1 }
  }

  // MARK: - At the end

  /// Collects garbage when no process is running, and then checks that everything is in order.
  private func quietTime(_ world: SimulatedWorld) throws {
    try world.live(
      [SimulatedWorld.Role(name: "collection") { $0.tidyUp() }], style: .chance(oneIn: 1))
    guard world.violations.isEmpty else { return }
    try Tidiness(world).inspect()
  }
}
