import ChunkFormat
import NIOCore
import Synchronization
import Workers

/// A chunk that somebody is getting, for all who want it.
final class PendingChunk: Sendable {
  /// What it is wanted for.
  enum Role: Sendable {
    case content
    /// A delta is to be read with it, so it must not be a delta.
    case base
  }

  typealias Outcome = Result<ByteBuffer, RecordFailure>

  private struct State {
    var outcome: Outcome?
    var continuations: [@Sendable (Outcome) -> Void] = []
  }

  let id: ContentID
  let role: Role
  private let state = Monitor(State())
  private let waitsForNoBase = Atomic(false)

  init(id: ContentID, role: Role) {
    self.id = id
    self.role = role
  }

  /// Whether it is known to be read without a base.
  var isStandalone: Bool { role == .base || waitsForNoBase.load(ordering: .relaxed) }

  /// Says that it is read without a base.
  func noteStandalone() { waitsForNoBase.store(true, ordering: .relaxed) }

  /// Waits for the content.
  func content() throws(RecordFailure) -> ByteBuffer {
    try state.withLock(when: { $0.outcome != nil }) { $0.outcome! }.get()
  }

  /// Calls `body` with the outcome, at once or on the thread that brings it.
  func whenSettled(_ body: @escaping @Sendable (Outcome) -> Void) {
    let outcome = state.withLock { state in
      if state.outcome == nil { state.continuations.append(body) }
      return state.outcome
    }
    if let outcome { body(outcome) }
  }

  /// Gives the outcome to all who wait. To be called once.
  func settle(_ outcome: Outcome) {
    let continuations = state.withLock { state in
      state.outcome = outcome
      let continuations = state.continuations
      state.continuations = []
      return continuations
    }
    state.broadcast()
    for continuation in continuations { continuation(outcome) }
  }
}
