import NBDProtocol
import NIOCore
import NIOPosix
import Synchronization

/// The work of one connection on its way to threads, and what came of it on its way back.
///
/// Waking a thread takes longer than a small read or write. So a thread that is done with a piece
/// takes the next one, and wakes another thread only while more is waiting: pieces that came
/// together and are quick cost few wake-ups, pieces that block are soon spread over the pool.
final class WorkQueue: Sendable {
  /// A piece of work, and when it was understood.
  typealias Piece = (work: Work, start: NIODeadline)
  typealias Finished = (piece: Piece, outcome: Outcome)

  private struct State {
    var waiting = CircularBuffer<Piece>()
    /// A thread was called that has not come yet.
    var isCalling = false
    var finished: [Finished] = []

    /// - Returns: whether a thread has to be called; else one is on its way.
    mutating func claimCall() -> Bool {
      defer { isCalling = true }
      return !isCalling
    }
  }

  /// Pieces that a thread takes in a row before other connections have their turn.
  private static let turnLimit = 16

  let access: ExportAccess
  private let pool: NIOThreadPool
  private let whenFinished: @Sendable () -> Void
  private let state = Mutex(State())

  /// - Parameter whenFinished: called on a thread of the pool when something was finished; then
  ///   ``takeFinished()`` is to be called. Not called again before that was.
  init(
    _ access: ExportAccess, on pool: NIOThreadPool, whenFinished: @escaping @Sendable () -> Void
  ) {
    self.access = access
    self.pool = pool
    self.whenFinished = whenFinished
  }

  func submit(_ piece: Piece) {
    let isFirst = state.withLock { state in
      state.waiting.append(piece)
      return state.claimCall()
    }
    if isFirst { callThread() }
  }

  /// Lets go of what no thread has begun: the client that wants it is gone.
  func cancel() {
    state.withLock { $0.waiting.removeAll() }
  }

  /// Everything that was finished since the last time.
  func takeFinished() -> [Finished] {
    state.withLock { state in
      defer { state.finished = [] }
      return state.finished
    }
  }

  private func callThread() {
    pool.submit { self.run(isActive: $0 == .active) }
  }

  /// Whenever something is waiting, a thread has been called that has not come yet; so this one may
  /// leave after its turn.
  private func run(isActive: Bool) {
    for turn in 0..<Self.turnLimit {
      guard let (piece, hasMore) = take(isFirst: turn == 0) else { return }
      if hasMore { callThread() }
      finish(piece, isActive ? access.perform(piece.work) : .shutDown)
    }
  }

  /// The next piece, and whether another thread is to be called for what is left.
  private func take(isFirst: Bool) -> (piece: Piece, hasMore: Bool)? {
    state.withLock { state in
      if isFirst { state.isCalling = false }
      guard let piece = state.waiting.popFirst() else { return nil }
      return (piece, !state.waiting.isEmpty && state.claimCall())
    }
  }

  private func finish(_ piece: Piece, _ outcome: Outcome) {
    let isFirst = state.withLock { state in
      state.finished.append((piece, outcome))
      return state.finished.count == 1
    }
    if isFirst { whenFinished() }
  }
}
