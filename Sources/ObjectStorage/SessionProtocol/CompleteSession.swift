/// Completes a committed session: puts `revisions/R`, and only then removes the session and `staged/R`. Its
/// owner does that, and everybody else who meets it; nothing happens twice.
package struct CompleteSession: ComposedProcedure {
  package typealias Outcome = Void

  package var work: Work?
  private let session: String
  /// When this round began to read the session. The put of the revision is as old as that, so none arrives
  /// later than the bound on delay after the session is gone: until then a tombstone stays.
  private var basis = Duration.zero
  private var revision = ""
  private var isStagedMissing = false
  private var attempts = Attempts()
  private var stage = Stage.readingSession

  private enum Stage {
    case readingSession, readingStaged, putting, removingSession, removingStaged
  }

  package init(_ session: String) {
    self.session = session
  }

  package mutating func first(at now: Duration) throws(SessionProtocolError) -> NextWork<Void> {
    try attempts.count(ObjectKey(.sessions, session))
    stage = .readingSession
    basis = now
    return .work(.read(SettledRead(ObjectKey(.sessions, session))))
  }

  package mutating func next(
    after outcome: Work.Outcome, at now: Duration
  ) throws(SessionProtocolError) -> NextWork<Void> {
    switch (stage, outcome) {
    case (.readingSession, .content(let bytes?)):
      guard case .committed(let revision) = try SessionObject(bytes, of: session).state else {
        return .done(())
      }
      self.revision = revision
      stage = .readingStaged
      return .work(.read(SettledRead(ObjectKey(.staged, revision))))
    case (.readingSession, .content(nil)): return .done(())
    case (.readingStaged, .content(let bytes?)):
      let record = try StagedRecord(bytes, of: revision)
      guard record.session == session else {
        throw SessionProtocolError(
          .damaged, "\(ObjectKey(.staged, revision))",
          "session \(session) has committed it, and session \(record.session) has staged it")
      }
      stage = .putting
      return .work(
        .put(
          SettledPut(
            ObjectKey(.revisions, revision), record.document, if: .absent, basis: basis)))
    case (.readingStaged, .content(nil)):
      // Somebody else has completed it: the session goes first, then what it has staged.
      guard !isStagedMissing else {
        throw SessionProtocolError(.damaged, "staged/\(revision)", "it is missing")
      }
      isStagedMissing = true
      return try first(at: now)
    case (.putting, .put(.stored)): return removeSession()
    case (.putting, .put(.other)):
      throw SessionProtocolError(.damaged, "revisions/\(revision)", "it is not what was staged")
    // Not arrived, too late, or forgotten since: the session tells.
    case (.putting, .put(.absent)): return try first(at: now)
    case (.removingSession, .removed):
      stage = .removingStaged
      return .work(.remove(SettledRemove(ObjectKey(.staged, revision))))
    case (.removingStaged, .removed): return .done(())
    default: preconditionFailure("CompleteSession asked for nothing like \(outcome)")
    }
  }

  private mutating func removeSession() -> NextWork<Void> {
    stage = .removingSession
    return .work(.remove(SettledRemove(ObjectKey(.sessions, session))))
  }
}
