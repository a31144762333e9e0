/// Ends a session: its owner fences it, then removes it. It is not removed while a commit may still be on its
/// way: that would be a revision which no root holds.
package struct EndSession: ComposedProcedure {
  package enum Outcome: Sendable {
    /// It has committed nothing, and never will.
    case ended
    /// A commit that had been given up has arrived before. The revision exists, or was forgotten since.
    case committed
  }

  package var work: Work?
  private let handle: SessionHandle
  private let revision: String?
  private let nonce: Nonce

  /// `revision` is what the session may have committed, where its owner has asked for that and does not know the
  /// outcome.
  package init(_ handle: SessionHandle, afterCommitting revision: String? = nil, nonce: Nonce) {
    self.handle = handle
    self.revision = revision
    self.nonce = nonce
  }

  package mutating func first(at now: Duration) -> NextWork<Outcome> {
    .work(.change(ChangeSession(handle, to: .fenced, nonce: nonce)))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch outcome {
    case .session(.changed), .session(.fenced): return .work(.remove(SettledRemove(handle.key)))
    case .session(.committed): return .work(.complete(CompleteSession(handle.id)))
    case .session(.gone):
      guard let revision else { return .done(.ended) }
      return .work(.lookUp(LookUpRevision(revision)))
    case .revision(let outcome): return .done(outcome.everExisted ? .committed : .ended)
    case .completed: return .done(.committed)
    case .removed: return .done(.ended)
    default: preconditionFailure("EndSession asked for nothing like \(outcome)")
    }
  }
}
