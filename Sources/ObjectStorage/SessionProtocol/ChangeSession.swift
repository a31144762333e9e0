/// Changes a session that its owner believes to be active: renews, commits or fences it. A collector may have
/// fenced it meanwhile, and an earlier put of its owner may arrive late; exactly one of them makes an end of it.
package struct ChangeSession: ComposedProcedure {
  package enum Outcome: Sendable {
    /// It is what it was to be.
    case changed(SessionHandle)
    /// It had committed this revision before.
    case committed(String)
    /// It had been fenced before.
    case fenced
    /// It is not there any more: it was fenced, or a commit was completed. Only who has tried to commit has to
    /// ask which (``EndSession``).
    case gone
  }

  package var work: Work?
  private var handle: SessionHandle
  private let state: SessionObject.State
  private var nonce: Nonce
  private var attempts = Attempts()

  init(_ handle: SessionHandle, to state: SessionObject.State, nonce: Nonce) {
    self.handle = handle
    self.state = state
    self.nonce = nonce
  }

  /// New bytes, so a new version, from which collectors see that the session's owner lives.
  package static func renewal(of handle: SessionHandle, nonce: Nonce) -> ChangeSession {
    ChangeSession(handle, to: .active(pinned: handle.pinned), nonce: nonce)
  }

  package mutating func first(at now: Duration) throws(SessionProtocolError) -> NextWork<Outcome> {
    try attempts.count(handle.key)
    let record = SessionObject(state, handle.role, nonce)
    return .work(.put(SettledPut(handle.key, record.bytes, if: .version(handle.version))))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch outcome {
    case .put(.stored(let version)):
      handle.version = version
      return .done(.changed(handle))
    case .put(.other(let bytes, let version)):
      switch try SessionObject(bytes, of: handle.id).state {
      case .committed(let revision): return .done(.committed(revision))
      case .fenced: return .done(.fenced)
      case .active:
        // Only its owner makes it active: an earlier put has arrived late, or this one has not arrived.
        handle.version = version
        nonce = nonce.next
        return try first(at: now)
      }
    case .put(.absent): return .done(.gone)
    default: preconditionFailure("ChangeSession asked for nothing like \(outcome)")
    }
  }
}
