import DequeModule
import Synchronization

/// The memory that replies on their way may take, over all connections of a server.
///
/// One half is shares: an equal part for each connection that there may be, which it may always
/// hold. So small requests never wait because of others. The other half is a pool for what exceeds
/// a share. A connection that holds some of it takes no more than it leaves for the others, and
/// waits for its own replies to leave before it takes more. One that holds nothing of it may take
/// all that there is; if that is too little, it waits in a queue that nobody overtakes.
final class ReplyMemory: Sendable {
  /// What a connection waits for.
  struct Wish: Sendable {
    /// The connection's number.
    let connection: UInt64
    /// What it holds of the pool, in bytes.
    var heldBytes: Int
    /// What it wants to hold of the pool instead.
    var wantedBytes: Int

    var moreBytes: Int { wantedBytes - heldBytes }

    /// Whether it waits for others, not for its own replies to leave.
    var isUrgent: Bool { heldBytes == 0 }
  }

  private struct Waiter {
    var wish: Wish
    /// Told how many bytes of the pool were taken for the connection. Must be quick.
    let grant: @Sendable (Int) -> Void
  }

  private struct State {
    var freeBytes: Int
    var waiters = Deque<Waiter>()

    func admits(_ wish: Wish) -> Bool {
      (wish.heldBytes == 0 ? wish.moreBytes : wish.wantedBytes) <= freeBytes
    }

    /// Takes what waiters want, in their order, as far as it goes.
    mutating func serve() -> [(waiter: Waiter, bytes: Int)] {
      var served: [(waiter: Waiter, bytes: Int)] = []
      var index = waiters.startIndex
      while index < waiters.endIndex {
        let wish = waiters[index].wish
        if admits(wish) {
          freeBytes -= wish.moreBytes
          served.append((waiters.remove(at: index), wish.moreBytes))
        } else if wish.isUrgent {
          break
        } else {
          index += 1
        }
      }
      return served
    }
  }

  /// What each connection may always hold, in bytes.
  let shareBytes: Int
  private let limitBytes: Int
  private let poolBytes: Int
  private let state: Mutex<State>

  /// - Parameter limitBytes: at least twice the longest reply that is not sent in pieces, so that
  ///   the empty pool has room for it.
  init(limitBytes: Int, connectionLimit: Int) {
    self.limitBytes = limitBytes
    poolBytes = limitBytes / 2
    shareBytes = (limitBytes - poolBytes) / max(1, connectionLimit)
    state = Mutex(State(freeBytes: poolBytes))
  }

  /// What connections hold of the pool now, in bytes.
  var pooledBytes: Int { state.withLock { poolBytes - $0.freeBytes } }

  /// Connections that wait.
  var waiterCount: Int { state.withLock { $0.waiters.count } }

  /// Takes what `wish` asks for, at once or later.
  ///
  /// - Returns: false when it has to wait; then `grant` is called, on any thread, when it was taken.
  func take(_ wish: Wish, orLater grant: @escaping @Sendable (Int) -> Void) -> Bool {
    state.withLock { state in
      if state.admits(wish), !state.waiters.contains(where: \.wish.isUrgent) {
        state.freeBytes -= wish.moreBytes
        return true
      }
      state.waiters.append(Waiter(wish: wish, grant: grant))
      return false
    }
  }

  /// Gives back bytes of the pool.
  ///
  /// - Parameter wish: what their connection waits for, as that is now; nil when it does not wait.
  func giveBack(_ bytes: Int, stillWishing wish: Wish? = nil) {
    let served = state.withLock { state in
      state.freeBytes += bytes
      if let wish,
        let index = state.waiters.firstIndex(where: { $0.wish.connection == wish.connection })
      {
        state.waiters[index].wish = wish
      }
      return state.serve()
    }
    for (waiter, bytes) in served { waiter.grant(bytes) }
  }

  /// Takes a connection out of the queue.
  func forget(_ connection: UInt64) {
    let served = state.withLock { state in
      state.waiters.removeAll { $0.wish.connection == connection }
      return state.serve()
    }
    for (waiter, bytes) in served { waiter.grant(bytes) }
  }
}
