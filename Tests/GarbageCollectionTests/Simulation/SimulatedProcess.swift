import ChunkStore
import FileIO
import Glibc
import SystemPackage
import TestSupport
import Workers

/// A process of the simulation: its file system operations, its faults, and its end. Only one
/// process at a time has the turn.
final class SimulatedProcess: @unchecked Sendable {
  /// A fault.
  enum Fault: CustomStringConvertible {
    /// The process is killed. Nothing that it does afterwards has an effect.
    case kill
    /// The process is told to stop.
    case stop
    /// This many changes in a row fail because the disk is full.
    case fullDisk(Int)
    /// The next pack cannot be written because the disk is full.
    case fullDiskForPack
    /// This many lists of directories fail in a row.
    case failingLists(Int)
    /// This many packs in a row cannot be opened.
    case failingPacks(Int)
    /// The newest data pack can no longer be opened.
    case unreadablePack
    /// The storage loses the newest data pack.
    case lostPack

    var description: String {
      switch self {
      case .kill: "killed"
      case .stop: "told to stop"
      case .fullDisk(let count): "to find the disk full \(count) times"
      case .fullDiskForPack: "to find the disk full with its next pack"
      case .failingLists(let count): "to fail at \(count) lists"
      case .failingPacks(let count): "to fail at \(count) packs"
      case .unreadablePack: "to fail at the youngest pack"
      case .lostPack: "there when the youngest pack is lost"
      }
    }
  }

  /// The faults and rests of a process.
  struct Fate {
    /// The faults that strike at certain operations.
    var faults: [Int: Fault] = [:]
    /// The faults that strike at certain moments.
    var strikes: [(moment: Moment, fault: Fault)] = []
    /// When the process rests, and for how many chances of other processes; see ``Turns``.
    var rests: [(moment: Moment, chances: Int)] = []
  }

  let name: String
  let number: Int
  let machine: Int
  let world: SimulatedWorld
  let cancellation = CancellationFlag()
  var random: SeededRandom
  private let player: Turns.Player
  private let fileSystem: SimulatedFileSystem
  private var fate: Fate
  private var operations = 0
  private var failingChanges = 0
  private var failsNextPack = false
  private var failingLists = 0
  private var failingPacks = 0
  private var unreadablePack: FilePath?
  private(set) var isKilled = false
  /// The earlier list of revisions, for ``PlantedFlaw/revisionsBeforeSessions``.
  var revisionsBefore: [DirectoryEntry]?
  /// Whether a fault has occurred so far that excuses a failure.
  private(set) var hadFault = false

  init(
    _ player: Turns.Player, _ number: Int, in world: SimulatedWorld, seed: UInt64,
    fate: Fate
  ) {
    name = player.name
    self.number = number
    machine = player.machine
    self.player = player
    self.world = world
    self.fate = fate
    fileSystem = world.fileSystem
    random = SeededRandom(seed: seed)
  }

  /// Whether the process's operations still have an effect.
  var isAlive: Bool { !isKilled && !world.isDown }

  /// Every operation calls this first. Other processes may get their turn, and the operation may
  /// fail.
  func pass(_ kind: SimulatedCall.Kind, _ path: FilePath) throws(FileError) {
    world.randomness.use()
    try checkAlive(kind, path)
    operations += 1
    world.note(self, kind, path)
    strike(before: kind, path)
    try checkAlive(kind, path)
    if kind.isChange, kind != .remove, kind != .synchronizeDirectory, failingChanges > 0 {
      failingChanges -= 1
      throw FileError(operation: "change", path: path, errno: .noSpace)
    }
    if kind == .createFile, failsNextPack, world.isPack(path) {
      failsNextPack = false
      throw FileError(operation: "create", path: path, errno: .noSpace)
    }
    if kind == .list, failingLists > 0 {
      failingLists -= 1
      throw FileError(operation: "list", path: path, errno: .ioError)
    }
    if kind == .openFile, failingPacks > 0, world.isPack(path) {
      failingPacks -= 1
      throw FileError(operation: "open", path: path, errno: .ioError)
    }
    if kind == .openFile, path == unreadablePack {
      throw FileError(operation: "open", path: path, errno: .ioError)
    }
    if let rest = fate.rests.indices.first(where: {
      fate.rests[$0].moment.hasCome(before: kind, path)
    }) {
      world.say(self, "rests")
      player.rest(world, chances: fate.rests.remove(at: rest).chances)
    } else {
      player.pauseTurn(world, before: kind, path)
    }
    try checkAlive(kind, path)
  }

  private func strike(before kind: SimulatedCall.Kind, _ path: FilePath) {
    if let fault = fate.faults.removeValue(forKey: operations) { strike(fault) }
    for number in fate.strikes.indices
    where fate.strikes[number].moment.hasCome(before: kind, path) {
      strike(fate.strikes[number].fault)
    }
  }

  private func strike(_ fault: Fault) {
    world.say(self, "is \(fault)")
    hadFault = true
    switch fault {
    case .kill: isKilled = true
    case .stop: cancellation.cancel()
    case .fullDisk(let count): failingChanges = count
    case .fullDiskForPack: failsNextPack = true
    case .failingLists(let count): failingLists = count
    case .failingPacks(let count): failingPacks = count
    case .unreadablePack: unreadablePack = world.youngestPack
    case .lostPack: world.loseYoungestPack()
    }
  }

  private func checkAlive(_ kind: SimulatedCall.Kind, _ path: FilePath) throws(FileError) {
    guard isAlive else { throw FileError(operation: "use", path: path, errno: .ioError) }
  }

  /// Waits until `isFree`.
  func wait(
    for path: FilePath, until isFree: () throws(FileError) -> Bool
  ) throws(FileError) {
    var tries = 0
    while try !isFree() {
      tries += 1
      guard tries < 100_000 else {
        world.violated("\(name) waits for ever for \(path)")
        throw FileError(operation: "lock", path: path, errno: .deadlock)
      }
      player.yieldTurn(world)
      try checkAlive(.lock, path)
    }
  }
}

extension Turns.Player {
  fileprivate func pauseTurn(
    _ world: SimulatedWorld, before kind: SimulatedCall.Kind, _ path: FilePath
  ) {
    world.turns.pause(self, before: kind, path)
  }
  fileprivate func rest(_ world: SimulatedWorld, chances: Int) {
    world.turns.rest(self, chances: chances)
  }
  fileprivate func yieldTurn(_ world: SimulatedWorld) { world.turns.yield(self) }
}
