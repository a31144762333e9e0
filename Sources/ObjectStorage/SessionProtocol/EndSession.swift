/// Ends a session without a commit: its owner fences it, then removes it. It is not removed while a commit may
/// still be on its way: that would be a revision which no root holds.
package struct EndSession: ComposedProcedure {
  package enum Outcome: Sendable {
    case ended
    /// A commit that had been given up has arrived before; the session is completed.
    case committed
  }

  package var work: Work?
  private var handle: SessionHandle
  private var nonce: Nonce

  package init(_ handle: SessionHandle, nonce: Nonce) {
    self.handle = handle
    self.nonce = nonce
  }

  package mutating func first(at now: Duration) -> NextWork<Outcome> {
    let record = SessionObject(.fenced, handle.role, nonce)
    return .work(.put(SettledPut(handle.key, record.bytes, if: .version(handle.version))))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch outcome {
    case .put(.stored): return .work(.remove(SettledRemove(handle.key)))
    case .put(.other(let bytes, let version)):
      switch try SessionObject(bytes, of: handle.id).state {
      case .fenced: return .work(.remove(SettledRemove(handle.key)))
      case .committed: return .work(.complete(CompleteSession(handle.id)))
      case .active:
        handle.version = version
        nonce = nonce.next
        return first(at: now)
      }
    case .completed: return .done(.committed)
    case .put(.absent), .removed: return .done(.ended)
    default: preconditionFailure("EndSession asked for nothing like \(outcome)")
    }
  }
}
