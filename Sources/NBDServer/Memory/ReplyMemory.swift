import DequeModule
import Synchronization

/// The memory limit for unsent replies of all connections of a server.
///
/// One half consists of shares: each possible connection has an equal share, which it may always
/// use. So small requests never wait because of others. The other half is a pool for memory beyond
/// a share. A connection that holds pool memory gets more only while as much memory is free as it
/// wants to hold in total; otherwise it waits until its own replies have been sent. A connection
/// that holds no pool memory may take all that is free. If that is too little, it waits in a queue
/// that no other connection may overtake.
final class ReplyMemory: Sendable {
  /// A request for memory by a connection that waits.
  struct Wish: Sendable {
    /// The connection's number.
    let connection: UInt64
    /// The pool memory that the connection holds, in bytes.
    var heldBytes: Int
    /// The pool memory that the connection wants to hold in total, in bytes.
    var wantedBytes: Int

    var moreBytes: Int { wantedBytes - heldBytes }

    /// Whether the connection waits for other connections, and not for its own replies to be sent.
    var isUrgent: Bool { heldBytes == 0 }
  }

  private struct Waiter {
    var wish: Wish
    /// Called with the number of pool bytes that were taken for the connection. Must return
    /// quickly.
    let grant: @Sendable (Int) -> Void
  }

  private struct State {
    var freeBytes: Int
    var waiters = Deque<Waiter>()

    func admits(_ wish: Wish) -> Bool {
      (wish.heldBytes == 0 ? wish.moreBytes : wish.wantedBytes) <= freeBytes
    }

    /// Serves the waiting connections in their order, as far as the memory suffices.
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

  /// The memory that each connection may always use, in bytes.
  let shareBytes: Int
  private let limitBytes: Int
  private let poolBytes: Int
  private let state: Mutex<State>

  /// Creates the memory, with all of the pool free.
  ///
  /// - Parameter limitBytes: at least twice the longest reply that is not split, so that the empty
  ///   pool has room for one.
  init(limitBytes: Int, connectionLimit: Int) {
    self.limitBytes = limitBytes
    poolBytes = limitBytes / 2
    shareBytes = (limitBytes - poolBytes) / max(1, connectionLimit)
    state = Mutex(State(freeBytes: poolBytes))
  }

  /// The pool memory that connections hold now, in bytes.
  var pooledBytes: Int { state.withLock { poolBytes - $0.freeBytes } }

  /// The number of waiting connections.
  var waiterCount: Int { state.withLock { $0.waiters.count } }

  /// Takes the memory of `wish`, now or later.
  ///
  /// - Returns: false if the connection has to wait. `grant` is then called, on any thread, once
  ///   the memory is taken.
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

  /// Returns bytes to the pool.
  ///
  /// - Parameter wish: the current wish of the connection; nil if it does not wait.
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

  /// Removes a connection from the queue.
  func forget(_ connection: UInt64) {
    let served = state.withLock { state in
      state.waiters.removeAll { $0.wish.connection == connection }
      return state.serve()
    }
    for (waiter, bytes) in served { waiter.grant(bytes) }
  }
}
