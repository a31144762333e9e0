/// Commits a revision: stages its bytes, then changes the session from `active` to `committed`. The second put
/// is the commit point. The packs that the revision needs are durable before.
///
/// After `committed`, ``CompleteSession`` moves the revision to its place; the caller may report success before.
package struct CommitSession: ComposedProcedure {
  package enum Outcome: Sendable {
    case committed
    /// The revision does not exist, and never will.
    case fenced
  }

  package var work: Work?
  private let handle: SessionHandle
  private let revision: String
  private let staged: [UInt8]
  private let nonce: Nonce
  private var attempts = Attempts()

  /// The revision's name never recurs.
  package init(_ handle: SessionHandle, revision: String, document: [UInt8], nonce: Nonce) {
    precondition(handle.role == .writing, "a reading session cannot commit")
    self.handle = handle
    self.revision = revision
    self.nonce = nonce
    staged = StagedRecord(session: handle.id, document: document).bytes
  }

  package mutating func first(at now: Duration) throws(SessionProtocolError) -> NextWork<Outcome> {
    let key = ObjectKey(.staged, revision)
    try attempts.count(key)
    return .work(.put(SettledPut(key, staged, if: .absent)))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch outcome {
    case .put(.stored):
      return .work(.change(ChangeSession(handle, to: .committed(revision), nonce: nonce)))
    case .put(.absent): return try first(at: now)
    case .put(.other):
      throw SessionProtocolError(
        .damaged, "\(ObjectKey(.staged, revision))", "another session has staged it")
    case .session(.changed): return .done(.committed)
    case .session(.committed(let other)):
      // An earlier put of this one has arrived late.
      guard other == revision else {
        throw SessionProtocolError(.damaged, "\(handle.key)", "it has committed \(other) before")
      }
      return .done(.committed)
    case .session(.fenced): return .done(.fenced)
    // It was fenced and removed, or somebody else has completed it.
    case .session(.gone): return .work(.lookUp(LookUpRevision(revision)))
    case .revision(let outcome): return .done(outcome.everExisted ? .committed : .fenced)
    default: preconditionFailure("CommitSession asked for nothing like \(outcome)")
    }
  }
}
