import Glibc
import TestSupport
import Workers

/// Lets one of several threads run at a time; a seeded generator chooses which. So the same seed gives
/// the same interleaving, down to the single file operation.
///
/// What all of them share is guarded by the turn: whoever has it is alone.
final class Turns: @unchecked Sendable {
  /// One of the threads that take turns.
  final class Player: @unchecked Sendable {
    let name: String
    /// Players of one machine share an index.
    let machine: Int
    fileprivate let body: @Sendable (Player) -> Void
    fileprivate let turn = Semaphore()
    fileprivate(set) var isDone = false

    fileprivate init(_ name: String, machine: Int, _ body: @escaping @Sendable (Player) -> Void) {
      self.name = name
      self.machine = machine
      self.body = body
    }
  }

  private var players: [Player] = []
  /// Whose turn it is.
  private var current: Player?
  private var random: SeededRandom
  /// One in so many chances to give the turn away is taken.
  private let patience: Int
  private let end = Semaphore()

  init(seed: UInt64, patience: Int) {
    random = SeededRandom(seed: seed)
    self.patience = patience
  }

  func add(_ name: String, machine: Int, _ body: @escaping @Sendable (Player) -> Void) {
    players.append(Player(name, machine: machine, body))
  }

  /// Runs all players to their ends.
  func play() throws {
    guard !players.isEmpty else { return }
    let threads = try players.map { player in
      try WorkerThread(name: player.name) { [self] in
        player.turn.wait()
        current = player
        player.body(player)
        player.isDone = true
        if let next = choose(among: candidates(of: player)) {
          next.turn.signal()
        } else {
          end.signal()
        }
      }
    }
    players[Int.random(in: players.indices, using: &random)].turn.signal()
    end.wait()
    for thread in threads { thread.join() }
    // They hold what they play with, which holds the turns.
    players = []
  }

  /// A chance for others; sometimes it is taken.
  func pause(_ player: Player) {
    guard Int.random(in: 0..<patience, using: &random) == 0 else { return }
    yield(player)
  }

  /// Lets another player go on, where there is one.
  func yield(_ player: Player) {
    guard let next = choose(among: candidates(of: player)) else { return }
    next.turn.signal()
    player.turn.wait()
    current = player
  }

  /// Lets another player go on, whichever thread of the current one it is that asks.
  func yieldCurrent() {
    if let current { yield(current) }
  }

  private func candidates(of player: Player) -> [Player] {
    players.filter { $0 !== player && !$0.isDone }
  }

  private func choose(among candidates: [Player]) -> Player? {
    candidates.isEmpty ? nil : candidates[Int.random(in: candidates.indices, using: &random)]
  }
}

/// Counts what was signalled and not yet waited for.
private final class Semaphore: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() { sem_init(semaphore, 0, 0) }

  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  func signal() { sem_post(semaphore) }

  func wait() {
    while sem_wait(semaphore) != 0 {}
  }
}
