import Glibc
import SystemPackage
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
    /// The higher goes first, where turns go by rank.
    fileprivate var rank = 0
    /// After how many chances in all it goes on, where it rests.
    fileprivate var restsUntil = 0

    fileprivate init(_ name: String, machine: Int, _ body: @escaping @Sendable (Player) -> Void) {
      self.name = name
      self.machine = machine
      self.body = body
    }
  }

  /// When a player gives the turn away.
  enum Style {
    /// At one in so many chances, to anybody.
    case chance(oneIn: Int)
    /// When one of a higher rank can go on. At `changes` of `chances` the one whose turn it is becomes the
    /// last, so that it rests between two steps while others come to their ends: a bug that takes few
    /// changes of order is likely to show (Burckhardt et al., A Randomized Scheduler with Probabilistic
    /// Guarantees of Finding Bugs, 2010).
    case rank(changes: Int, chances: Int)
    /// One step after the other, and then by chance.
    case script([Step])
  }

  /// Part of a script. A player that has ended has no part any more; one that has to wait for another
  /// leaves the rest of its step out.
  enum Step {
    /// The player with this number goes on alone until a moment comes; nil: to its end.
    case go(Int, until: Moment?)
    case powerFails
  }

  private var players: [Player] = []
  /// Whose turn it is.
  private var current: Player?
  private var random: SeededRandom
  private let style: Style
  /// What is still to come of a script.
  private var script: [Step] = []
  private let failPower: () -> Void
  /// Where turns go by rank: the chances that are still to come after which the order changes.
  private var changes: Set<Int> = []
  /// How often anybody had a chance to give the turn away.
  private var chances = 0
  private var lowestRank = 0
  private let end = Semaphore()

  /// - Parameter failPower: called where a script says so.
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
    // They hold what they play with, which holds the turns.
    players = []
  }

  /// A chance for others before an operation; sometimes it is taken.
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

  /// Lets another player go on, where there is one.
  func yield(_ player: Player) {
    chances += 1
    if !script.isEmpty { return endStep(of: player) }
    // Whoever waits lets anybody go on: of what it waits for is not known who has it.
    if let next = choose(among: candidates(of: player)) { give(to: next, from: player) }
  }

  /// Lets others go on for so many chances, or until they have ended.
  func rest(_ player: Player, chances count: Int) {
    player.restsUntil = chances + count
    yield(player)
  }

  private func endStep(of player: Player) {
    script.removeFirst()
    let next = nextOfScript() ?? choose(among: candidates(of: player))
    if let next, next !== player { give(to: next, from: player) }
  }

  /// Who goes on by the script, past what has no effect; nil at its end.
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

  /// Lets another player go on, whichever thread of the current one it is that asks.
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
