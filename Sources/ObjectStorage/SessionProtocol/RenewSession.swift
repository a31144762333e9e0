/// Renews a session: new bytes, so a new version, from which collectors see that its owner lives.
package struct RenewSession: ComposedProcedure {
  package enum Outcome: Sendable {
    case renewed(SessionHandle)
    /// It is over: a collector has fenced it.
    case fenced
  }

  package var work: Work?
  private var handle: SessionHandle
  private var nonce: Nonce

  package init(_ handle: SessionHandle, nonce: Nonce) {
    self.handle = handle
    self.nonce = nonce
  }

  package mutating func first(at now: Duration) -> NextWork<Outcome> {
    .work(.put(SettledPut(handle.key, handle.active(nonce).bytes, if: .version(handle.version))))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch outcome {
    case .put(.stored(let version)):
      handle.version = version
      return .done(.renewed(handle))
    case .put(.other(let bytes, let version)):
      // Only its owner makes it active: an earlier put has arrived late, or this one has not arrived.
      guard case .active = try SessionObject(bytes, of: handle.id).state else {
        return .done(.fenced)
      }
      handle.version = version
      nonce = nonce.next
      return first(at: now)
    case .put(.absent): return .done(.fenced)
    default: preconditionFailure("RenewSession asked for nothing like \(outcome)")
    }
  }
}
