import CalendarTime
import ChunkFormat
@testable import ChunkStore
import FileIO
import LocalObjects
import Synchronization
import SystemPackage
import TestSupport

/// The state that all processes of a simulation share: a repository on a file system that can
/// crash, a clock that jumps, and machines that each have an index. The turn protects it.
final class SimulatedWorld: @unchecked Sendable {
  static let root: FilePath = "/srv/repository"
  static let machines = 2

  let layout = RepositoryLayout(root: root)
  let randomness: SeededRandomness
  let repositoryID: RepositoryID
  private(set) var fileSystem = SimulatedFileSystem()
  private(set) var turns: Turns
  /// Whether everything has stopped. Operations then have no effect.
  private(set) var isDown = false
  private(set) var violations: [String] = []
  /// The trace of events, if it is wanted.
  private(set) var trace: [String]?
  /// The same seed produces the same value.
  private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
  private(set) var operations = 0
  private(set) var coverage = Coverage()
  /// The newest data pack.
  private(set) var youngestPack: FilePath?
  var ledger: Ledger
  var flaw: PlantedFlaw?
  private let revisionsPrefix: String
  private let sessionsPrefix: String
  private let packsPrefix: String
  private var random: SeededRandom
  private var clock: Timestamp = 1_800_000_000_000_000_000
  private var crash: Crash?
  private let directory: TemporaryDirectory
  /// The index directories of each simulation.
  private static let indexed = Mutex<[String: Unowned]>([:])

  private struct Unowned: @unchecked Sendable {
    unowned let world: SimulatedWorld
  }

  init(seed: UInt64, isTraced: Bool) throws {
    random = SeededRandom(seed: seed)
    revisionsPrefix = layout.revisions.string + "/"
    sessionsPrefix = layout.sessions.string + "/"
    packsPrefix = layout.packs.string + "/"
    randomness = SeededRandomness(seed: random.next())
    trace = isTraced ? [] : nil
    turns = Turns(seed: 0, style: .chance(oneIn: 1))
    directory = try TemporaryDirectory(inMemory: true)
    randomness.use()
    defer { SeededRandomness.release() }
    try fileSystem.createDirectories("/srv")
    var environment = RepositoryEnvironment(storage: LocalObjects.opener(on: fileSystem))
    environment.indexDirectory = directory.path.appending("machine0")
    let repository = try Repository.create(
      at: Self.root, settings: RepositorySettings(), firstKey: nil, environment: environment,
      context: .testing())
    repositoryID = repository.configuration.id
    ledger = try Ledger(layout: layout, repository: repositoryID)
    Self.yieldsAtLocks
    Self.indexed.withLock { $0[directory.path.string] = Unowned(world: self) }
  }

  deinit { Self.indexed.withLock { $0[directory.path.string] = nil } }

  /// The locks of an index are real locks. A thread that waits for one lets others run.
  private static let yieldsAtLocks: Void = LockWaiting.configure { path in
    // From the path of a lock, finds the index directory of a repository on a machine.
    let directory = (1...3).reduce(path) { path, _ in path.removingLastComponent() }
    guard let world = indexed.withLock({ $0[directory.string]?.world }) else { return false }
    world.turns.yieldCurrent()
    return true
  }

  // MARK: - Time

  /// The time of a power failure.
  enum Crash {
    case operation(Int)
    case moment(Moment)

    mutating func hasCome(
      after operations: Int, before kind: SimulatedCall.Kind, _ path: FilePath
    ) -> Bool {
      switch self {
      case .operation(let number): return operations == number
      case .moment(var moment):
        defer { self = .moment(moment) }
        return moment.hasCome(before: kind, path)
      }
    }
  }

  /// The task of a process.
  struct Role {
    let name: String
    var machine = 0
    var fate = SimulatedProcess.Fate()
    let life: @Sendable (SimulatedProcess) -> Void
  }

  /// Runs processes until the last one has ended or the power fails.
  func live(_ roles: [Role], style: Turns.Style, crash: Crash? = nil) throws {
    operations = 0
    self.crash = crash
    turns = Turns(seed: random.next(), style: style) { [unowned self] in isDown = true }
    for (number, role) in roles.enumerated() {
      let seed = random.next()
      turns.add(role.name, machine: role.machine) { [self] player in
        randomness.use()
        role.life(SimulatedProcess(player, number, in: self, seed: seed, fate: role.fate))
      }
    }
    try turns.play()
  }

  /// Restores the power. The file system is in one of the states that the failure allows. The index
  /// may be there or missing.
  func restart() throws {
    guard isDown, violations.isEmpty else { return }
    fileSystem = fileSystem.afterPowerFailure(at: fileSystem.operationCount, using: &random)
    isDown = false
    for machine in 0..<Self.machines where Int.random(in: 0..<3, using: &random) == 0 {
      try loseIndex(of: machine)
    }
    ledger.powerFailed()
    inspect("after the power failure")
  }

  /// The directory of a machine's index.
  func indexDirectory(of machine: Int) -> FilePath {
    directory.path.appending("machine\(machine)")
  }

  /// The storage loses the newest data pack.
  func loseYoungestPack() {
    guard let path = youngestPack else { return }
    do { try fileSystem.remove(path) } catch { violated("\(path) cannot be lost: \(error)") }
  }

  private func loseIndex(of machine: Int) throws {
    do {
      try POSIXFileSystem().removeTree(indexDirectory(of: machine))
    } catch  where error.code == .notFound {}
  }

  /// Advances the clock. Sometimes the clock is set to another time.
  func now() -> Timestamp {
    let day: Int64 = 86_400_000_000_000
    switch Int.random(in: 0..<20, using: &random) {
    case 0: clock = clock + .nanoseconds(Int64.random(in: -400 * day...400 * day, using: &random))
    case 1: break
    default: clock = clock + .nanoseconds(Int64.random(in: 1...1_000_000_000, using: &random))
    }
    return clock
  }

  // MARK: - Events

  /// Whether the file is in the directory of packs.
  func isPack(_ path: FilePath) -> Bool { path.string.hasPrefix(packsPrefix) }

  /// Notes that a process is about to perform an operation.
  func note(_ process: SimulatedProcess, _ kind: SimulatedCall.Kind, _ path: FilePath) {
    operations += 1
    coverage.note(process, kind, path)
    fingerprint = (fingerprint ^ (kind.hashable << 8 | UInt64(process.number))) &* 0x100_0000_01b3
    if trace != nil { say(process, "\(kind) \(path.string.dropFirst(Self.root.string.count + 1))") }
    if crash?.hasCome(after: operations, before: kind, path) == true {
      crash = nil
      say(process, "power fails")
      isDown = true
    }
  }

  func say(_ process: SimulatedProcess, _ what: @autoclosure () -> String) {
    if trace != nil { trace?.append("\(process.name): \(what())") }
  }

  /// Notes a broken promise. Everything stops.
  func violated(_ what: String) {
    violations.append(what)
    trace?.append("VIOLATED: \(what)")
    isDown = true
  }

  /// Notes that a file now has its final name.
  func renamed(to path: FilePath, by process: SimulatedProcess) {
    if path.removingLastComponent().removingLastComponent() == layout.dataPacks {
      youngestPack = path
    }
    let path = path.string
    if path.hasPrefix(revisionsPrefix) {
      inspect("when \(process.name) committed \(path.dropFirst(revisionsPrefix.utf8.count))")
    } else if path.hasPrefix(sessionsPrefix) {
      ledger.sessions[String(path.dropFirst(sessionsPrefix.utf8.count))] = process.name
    }
  }

  /// Notes that a file was removed.
  func removed(_ path: FilePath, by process: SimulatedProcess) {
    guard isPack(path), let name = path.lastComponent?.string,
      !name.hasPrefix(FilePath.temporaryPrefix)
    else { return }
    ledger.removedPacks.append(path)
    inspect("when \(process.name) deleted pack \(name)")
  }

  /// Checks that everything is there that must be.
  func inspect(_ moment: @autoclosure () -> String) {
    guard violations.isEmpty else { return }
    do {
      for violation in try ledger.violations(in: fileSystem) {
        violated("\(violation) \(moment())")
      }
    } catch {
      violated("\(error) \(moment())")
    }
  }
}

extension SimulatedCall.Kind {
  fileprivate var hashable: UInt64 { UInt64(Self.allCases.firstIndex(of: self) ?? 0) }
}
