import ChunkFormat
import NIOCore
import Synchronization
import Workers

/// A chunk that one thread is fetching for all readers that request it.
final class PendingChunk: Sendable {
  /// The purpose of the request.
  enum Role: Sendable {
    case content
    /// The chunk is the base of a delta, so it must not be a delta itself.
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

  /// Whether the chunk is known to need no base.
  var isStandalone: Bool { role == .base || waitsForNoBase.load(ordering: .relaxed) }

  /// Notes that the chunk needs no base.
  func noteStandalone() { waitsForNoBase.store(true, ordering: .relaxed) }

  /// Waits for the content.
  func content() throws(RecordFailure) -> ByteBuffer {
    try state.withLock(when: { $0.outcome != nil }) { $0.outcome! }.get()
  }

  /// Calls `body` with the result: at once if it is there, else on the thread that provides it.
  func whenSettled(_ body: @escaping @Sendable (Outcome) -> Void) {
    let outcome = state.withLock { state in
      if state.outcome == nil { state.continuations.append(body) }
      return state.outcome
    }
    if let outcome { body(outcome) }
  }

  /// Provides the result to all waiting threads. Call this once.
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
