import NBDProtocol
import NIOCore
import NIOPosix
import Synchronization

/// The work of one connection on its way to the threads, and the results on their way back.
///
/// Waking a thread takes longer than a small read or write. So a thread that has finished a piece
/// takes the next one, and wakes another thread only if more is waiting. Quick pieces that arrive
/// together need few wake-ups, and pieces that block are soon spread over the pool.
///
/// Writes that are known to be quick have their own queue and one thread, which carries out several
/// in a row and reports them together. More threads would gain nothing: the system lets only one of
/// them write to a file at a time.
final class WorkQueue: Sendable {
  /// A piece of work, and the time when its request was decoded.
  typealias Piece = (work: Work, start: NIODeadline)
  typealias Finished = (piece: Piece, outcome: Outcome)

  private struct State {
    var waiting = CircularBuffer<Piece>()
    /// Whether a thread was called that has not started yet.
    var isCalling = false
    var quick = CircularBuffer<Piece>()
    /// Whether a thread works on the quick queue, or was called for it.
    var isQuickTaken = false
    var finished: [Finished] = []
    /// The number of pieces that are passed in and not finished.
    var openCount = 0
    /// The loop polls ``hasFinished``, so it need not be called.
    var isWatched = false

    /// Notes that a thread is called, if one is needed.
    ///
    /// - Returns: whether the caller must call a thread. False if one was already called, or if
    ///   nothing is waiting.
    mutating func claimCall() -> Bool {
      guard !waiting.isEmpty else { return false }
      defer { isCalling = true }
      return !isCalling
    }

    /// Notes that a thread is called for the quick queue, if one is needed.
    ///
    /// - Returns: whether the caller must call a thread.
    mutating func claimQuick() -> Bool {
      guard !quick.isEmpty else { return false }
      defer { isQuickTaken = true }
      return !isQuickTaken
    }
  }

  /// How many pieces a thread takes in a row before other connections get their turn.
  private static let turnLimit = 16
  /// Quick pieces are reported in groups of this size. The groups are small so that the loop answers one
  /// while the thread does the next. With 16 writes of 4 KiB in flight and the overlay in memory, groups of 2
  /// allow 1.1 to 1.3 times as many writes a second as groups of 16, and slightly more than 1 or 4.
  private static let batchLimit = 2
  /// How many such groups a thread does in a row.
  private static let batchesPerTurn = 32

  let access: ExportAccess
  private let pool: NIOThreadPool
  private let whenFinished: @Sendable () -> Void
  private let state = Mutex(State())
  /// Whether finished work waits for ``takeFinished()``. Can be read without the lock.
  private let hasFinishedWork = Atomic(false)

  /// Creates an empty queue.
  ///
  /// - Parameter whenFinished: called on a thread of the pool when work is finished. The owner then
  ///   calls ``takeFinished()``. It is not called again before that.
  init(
    _ access: ExportAccess, on pool: NIOThreadPool, whenFinished: @escaping @Sendable () -> Void
  ) {
    self.access = access
    self.pool = pool
    self.whenFinished = whenFinished
  }

  func submit(_ pieces: [Piece]) {
    let calls = state.withLock { state in
      state.openCount += pieces.count
      for piece in pieces {
        if access.isQuick(piece.work) {
          state.quick.append(piece)
        } else {
          state.waiting.append(piece)
        }
      }
      return (any: state.claimCall(), quick: state.claimQuick())
    }
    if calls.any { callThread() }
    if calls.quick { callQuickThread() }
  }

  /// Drops work that no thread has started, because the client is gone.
  func cancel() {
    state.withLock { state in
      state.openCount -= state.waiting.count + state.quick.count
      state.waiting.removeAll()
      state.quick.removeAll()
    }
  }

  // MARK: Finished work

  var hasFinished: Bool { hasFinishedWork.load(ordering: .acquiring) }

  /// Runs `body`, which polls ``hasFinished``. While it runs, finished work is not announced by a
  /// call. If no work is in progress, `body` does not run.
  ///
  /// - Returns: whether finished work waits for ``takeFinished()``.
  func watching(_ body: () -> Void) -> Bool {
    let isOpen = state.withLock { state in
      state.isWatched = state.openCount > 0
      return state.isWatched
    }
    if isOpen { body() }
    return state.withLock { state in
      state.isWatched = false
      return !state.finished.isEmpty
    }
  }

  /// Returns everything that was finished since the last call.
  func takeFinished() -> [Finished] {
    state.withLock { state in
      defer { state.finished = [] }
      hasFinishedWork.store(false, ordering: .relaxed)
      return state.finished
    }
  }

  private func finish(_ pieces: [Finished]) {
    let isAwaited = state.withLock { state in
      defer {
        state.finished += pieces
        state.openCount -= pieces.count
        hasFinishedWork.store(true, ordering: .releasing)
      }
      return state.finished.isEmpty && !state.isWatched
    }
    if isAwaited { whenFinished() }
  }

  private func perform(_ piece: Piece, _ isActive: Bool) -> Finished {
    (piece, isActive ? access.perform(piece.work) : .shutDown)
  }

  // MARK: Slow work

  private func callThread() {
    pool.submit { self.run(isActive: $0 == .active) }
  }

  /// Does up to one turn of work. While pieces are waiting, a thread has been called that has not
  /// started yet, so this thread may stop after its turn.
  private func run(isActive: Bool) {
    for turn in 0..<Self.turnLimit {
      guard let (piece, hasMore) = take(isFirst: turn == 0) else { return }
      if hasMore { callThread() }
      finish([perform(piece, isActive)])
    }
  }

  /// Returns the next piece, and whether to call another thread for the rest.
  private func take(isFirst: Bool) -> (piece: Piece, hasMore: Bool)? {
    state.withLock { state in
      if isFirst { state.isCalling = false }
      guard let piece = state.waiting.popFirst() else { return nil }
      return (piece, state.claimCall())
    }
  }

  // MARK: Quick work

  private func callQuickThread() {
    pool.submit { self.runQuick(isActive: $0 == .active) }
  }

  private func runQuick(isActive: Bool) {
    for _ in 0..<Self.batchesPerTurn {
      let batch = takeBatch()
      guard !batch.isEmpty else { return }
      finish(batch.map { perform($0, isActive) })
    }
    callQuickThread()
  }

  /// Returns the next quick pieces. If there are none, no thread works on the quick queue any more.
  private func takeBatch() -> [Piece] {
    state.withLock { state in
      let batch = Array(state.quick.prefix(Self.batchLimit))
      state.quick.removeFirst(batch.count)
      state.isQuickTaken = !batch.isEmpty
      return batch
    }
  }
}
