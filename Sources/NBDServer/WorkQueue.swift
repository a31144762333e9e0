import NBDProtocol
import NIOCore
import NIOPosix
import Synchronization

/// The work of one connection on its way to threads, and what came of it on its way back.
///
/// Waking a thread takes longer than a small read or write. So a thread that is done with a piece
/// takes the next one, and wakes another thread only while more is waiting: pieces that came
/// together and are quick cost few wake-ups, pieces that block are soon spread over the pool.
///
/// Writes that are known to be quick have a queue of their own and one thread, which makes several in a
/// row and reports them together. More threads would gain nothing: of those that write to one file, the
/// system lets in one at a time.
final class WorkQueue: Sendable {
  /// A piece of work, and when it was understood.
  typealias Piece = (work: Work, start: NIODeadline)
  typealias Finished = (piece: Piece, outcome: Outcome)

  private struct State {
    var waiting = CircularBuffer<Piece>()
    /// A thread was called that has not come yet.
    var isCalling = false
    var quick = CircularBuffer<Piece>()
    /// A thread is at what is quick, or was called for that.
    var isQuickTaken = false
    var finished: [Finished] = []
    /// Handed over and not finished.
    var openCount = 0
    /// The loop polls ``hasFinished``, so it need not be called.
    var isWatched = false

    /// - Returns: whether a thread has to be called; else one is on its way, or there is nothing to do.
    mutating func claimCall() -> Bool {
      guard !waiting.isEmpty else { return false }
      defer { isCalling = true }
      return !isCalling
    }

    /// - Returns: whether a thread has to be called for what is quick.
    mutating func claimQuick() -> Bool {
      guard !quick.isEmpty else { return false }
      defer { isQuickTaken = true }
      return !isQuickTaken
    }
  }

  /// Pieces that a thread takes in a row before other connections have their turn.
  private static let turnLimit = 16
  /// Quick pieces are reported in groups of this size. The groups are small so that the loop answers one
  /// while the thread does the next. With 16 writes of 4 KiB in flight and the overlay in memory, groups of 2
  /// allow 1.1 to 1.3 times as many writes a second as groups of 16, and slightly more than 1 or 4.
  private static let batchLimit = 2
  /// How often a thread does as many in a row.
  private static let batchesPerTurn = 32

  let access: ExportAccess
  private let pool: NIOThreadPool
  private let whenFinished: @Sendable () -> Void
  private let state = Mutex(State())
  /// Whether finished work waits for ``takeFinished()``. Can be read without the lock.
  private let hasFinishedWork = Atomic(false)

  /// - Parameter whenFinished: called on a thread of the pool when something was finished; then
  ///   ``takeFinished()`` is to be called. Not called again before that was.
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

  /// Lets go of what no thread has begun: the client that wants it is gone.
  func cancel() {
    state.withLock { state in
      state.openCount -= state.waiting.count + state.quick.count
      state.waiting.removeAll()
      state.quick.removeAll()
    }
  }

  // MARK: What was finished

  var hasFinished: Bool { hasFinishedWork.load(ordering: .acquiring) }

  /// Runs `body`, which polls ``hasFinished``. Until it ends, finished work is not announced by a call.
  /// Without work in progress, `body` does not run.
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

  /// Everything that was finished since the last time.
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

  // MARK: Work that may take long

  private func callThread() {
    pool.submit { self.run(isActive: $0 == .active) }
  }

  /// Whenever something is waiting, a thread has been called that has not come yet; so this one may
  /// leave after its turn.
  private func run(isActive: Bool) {
    for turn in 0..<Self.turnLimit {
      guard let (piece, hasMore) = take(isFirst: turn == 0) else { return }
      if hasMore { callThread() }
      finish([perform(piece, isActive)])
    }
  }

  /// The next piece, and whether another thread is to be called for what is left.
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

  /// The next quick pieces; none: nobody is at it any more.
  private func takeBatch() -> [Piece] {
    state.withLock { state in
      let batch = Array(state.quick.prefix(Self.batchLimit))
      state.quick.removeFirst(batch.count)
      state.isQuickTaken = !batch.isEmpty
      return batch
    }
  }
}
