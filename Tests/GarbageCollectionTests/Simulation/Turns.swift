import Glibc
import SystemPackage
import TestSupport
import Workers

/// Lets only one of several threads run at a time. A seeded generator chooses the thread. So the
/// same seed produces the same interleaving, down to a single file operation.
///
/// The turn protects all shared state: the thread that has the turn is the only one that runs.
final class Turns: @unchecked Sendable {
  /// One of the threads that take turns.
  final class Player: @unchecked Sendable {
    let name: String
    /// Players of the same machine share an index.
    let machine: Int
    fileprivate let body: @Sendable (Player) -> Void
    fileprivate let turn = Semaphore()
    fileprivate(set) var isDone = false
    /// If turns go by rank, the player with the highest rank goes first.
    fileprivate var rank = 0
    /// For a resting player, the total number of chances after which it continues.
    fileprivate var restsUntil = 0

    fileprivate init(_ name: String, machine: Int, _ body: @escaping @Sendable (Player) -> Void) {
      self.name = name
      self.machine = machine
      self.body = body
    }
  }

  /// When a player passes the turn on.
  enum Style {
    /// At one of this many chances, to any player.
    case chance(oneIn: Int)
    /// To a player of a higher rank that can continue. At `changes` of the `chances`, the current
    /// player gets the lowest rank. So it rests between two steps while others run to their ends. A
    /// bug that needs few changes of the order is then likely to appear (Burckhardt et al., A
    /// Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, 2010).
    case rank(changes: Int, chances: Int)
    /// By the steps of a script, and then by chance.
    case script([Step])
  }

  /// A step of a script. A player that has ended takes no further steps. A player that must wait
  /// for another one skips the rest of its step.
  enum Step {
    /// The player with this number continues alone until a moment comes. Nil: until it ends.
    case go(Int, until: Moment?)
    case powerFails
  }

  private var players: [Player] = []
  /// The player that has the turn.
  private var current: Player?
  private var random: SeededRandom
  private let style: Style
  /// The remaining steps of the script.
  private var script: [Step] = []
  private let failPower: () -> Void
  /// With turns by rank: the remaining chances at which the order changes.
  private var changes: Set<Int> = []
  /// The number of chances so far to pass the turn on.
  private var chances = 0
  private var lowestRank = 0
  private let end = Semaphore()

  /// Creates the turns without players.
  ///
  /// - Parameter failPower: called at the step of a script where the power fails.
  init(seed: UInt64, style: Style, failPower: @escaping () -> Void = {}) {
    random = SeededRandom(seed: seed)
    self.style = style
    self.failPower = failPower
    switch style {
    case .chance: break
    case .rank(let count, let chances):
      for _ in 0..<count { changes.insert(Int.random(in: 1...chances, using: &random)) }
    case .script(let steps): script = steps
    }
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
        if let next = nextOfScript() ?? choose(among: candidates(of: player)) {
          next.turn.signal()
        } else {
          end.signal()
        }
      }
    }
    for (rank, player) in players.shuffled(using: &random).enumerated() { player.rank = rank }
    let first = nextOfScript() ?? players[Int.random(in: players.indices, using: &random)]
    first.turn.signal()
    end.wait()
    for thread in threads { thread.join() }
    // The players refer to objects that refer to the turns. This breaks the cycle.
    players = []
  }

  /// Gives others a chance before an operation. Sometimes one of them takes it.
  func pause(_ player: Player, before kind: SimulatedCall.Kind, _ path: FilePath) {
    chances += 1
    switch style {
    case .script:
      if case .go(let number, var moment?)? = script.first, players[number] === player {
        let hasCome = moment.hasCome(before: kind, path)
        script[0] = .go(number, until: moment)
        if hasCome { endStep(of: player) }
      } else if script.isEmpty, Int.random(in: 0..<4, using: &random) == 0 {
        yield(player)
      }
    case .chance(let count):
      if Int.random(in: 0..<count, using: &random) == 0 { yield(player) }
    case .rank:
      if changes.remove(chances) != nil {
        lowestRank -= 1
        player.rank = lowestRank
      }
      if let first = candidates(of: player).max(by: { $0.rank < $1.rank }), first.rank > player.rank
      {
        give(to: first, from: player)
      }
    }
  }

  /// Lets another player continue, if there is one.
  func yield(_ player: Player) {
    chances += 1
    if !script.isEmpty { return endStep(of: player) }
    // A waiting player lets any other player continue, because it is not known which one has the
    // lock.
    if let next = choose(among: candidates(of: player)) { give(to: next, from: player) }
  }

  /// Lets others continue for this many chances, or until they have ended.
  func rest(_ player: Player, chances count: Int) {
    player.restsUntil = chances + count
    yield(player)
  }

  private func endStep(of player: Player) {
    script.removeFirst()
    let next = nextOfScript() ?? choose(among: candidates(of: player))
    if let next, next !== player { give(to: next, from: player) }
  }

  /// Returns the next player of the script. Skips steps without effect. Nil at the end.
  private func nextOfScript() -> Player? {
    while let step = script.first {
      switch step {
      case .go(let number, _) where !players[number].isDone: return players[number]
      case .go: break
      case .powerFails: failPower()
      }
      script.removeFirst()
    }
    return nil
  }

  private func give(to next: Player, from player: Player) {
    next.turn.signal()
    player.turn.wait()
    current = player
  }

  /// Lets another player continue. Any thread of the current player may call this.
  func yieldCurrent() {
    if let current { yield(current) }
  }

  private func candidates(of player: Player) -> [Player] {
    let others = players.filter { $0 !== player && !$0.isDone }
    let awake = others.filter { $0.restsUntil <= chances }
    return awake.isEmpty ? others : awake
  }

  private func choose(among candidates: [Player]) -> Player? {
    candidates.isEmpty ? nil : candidates[Int.random(in: candidates.indices, using: &random)]
  }
}

/// Counts signals that nobody has waited for yet.
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
