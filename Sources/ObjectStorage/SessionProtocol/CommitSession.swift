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
  private var handle: SessionHandle
  private let revision: String
  private let staged: [UInt8]
  private var nonce: Nonce
  private var stage = Stage.staging

  private enum Stage { case staging, committing, readingRevision, readingTombstone }

  /// The revision's name never recurs.
  package init(_ handle: SessionHandle, revision: String, document: [UInt8], nonce: Nonce) {
    precondition(handle.role == .writing, "a reading session cannot commit")
    self.handle = handle
    self.revision = revision
    self.nonce = nonce
    staged = StagedRecord(session: handle.id, document: document).bytes
  }

  package mutating func first(at now: Duration) -> NextWork<Outcome> {
    .work(.put(SettledPut(StoreKey(.staged, revision), staged, if: .absent)))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Outcome> {
    switch (stage, outcome) {
    case (.staging, .put(.stored)): return commit()
    case (.staging, .put(.absent)): return first(at: now)
    case (.staging, .put(.other)):
      throw SessionProtocolError(.damaged, "staged/\(revision)", "another session has staged it")
    case (.committing, .put(.stored)): return .done(.committed)
    case (.committing, .put(.other(let bytes, let version))):
      return try settle(SessionObject(bytes, of: handle.id).state, version)
    case (.committing, .put(.absent)):
      // It was fenced and removed, or somebody else has completed it.
      stage = .readingRevision
      return .work(.read(SettledRead(StoreKey(.revisions, revision))))
    case (.readingRevision, .content(nil)):
      stage = .readingTombstone
      return .work(.read(SettledRead(StoreKey(.forgotten, revision))))
    case (_, .content(let bytes)): return .done(bytes == nil ? .fenced : .committed)
    default: preconditionFailure("CommitSession asked for nothing like \(outcome)")
    }
  }

  private mutating func commit() -> NextWork<Outcome> {
    stage = .committing
    let record = SessionObject(.committed(revision), handle.role, nonce)
    return .work(.put(SettledPut(handle.key, record.bytes, if: .version(handle.version))))
  }

  private mutating func settle(
    _ state: SessionObject.State, _ version: StoreVersion
  ) -> NextWork<Outcome> {
    switch state {
    case .committed: return .done(.committed)
    case .fenced: return .done(.fenced)
    case .active:
      // A renewal has arrived late, or the commit has not arrived.
      handle.version = version
      nonce = nonce.next
      return commit()
    }
  }
}
