import ObjectStorage
import Testing

/// What an owner is told after others have gone on. `p1` holds chunk 1.
@Suite("Session protocol: outcomes")
struct OutcomeTests {
  private func commit(
    _ session: SessionHandle, _ revision: String, on transcript: Transcript
  ) -> CommitSession {
    CommitSession(session, revision: name(revision), document: [1], nonce: transcript.nonce())
  }

  @Test("A writer ends a session whose late commit somebody else has completed")
  func endAfterCompletion() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    let late = try transcript.client(commit(writer, "r", on: transcript))
      .pause(beforeChanging: .sessions)
    #expect(try transcript.answer(to: late).isStored)
    #expect(try transcript.run(ListRevisions()) == [name("r")])

    let end = EndSession(writer, afterCommitting: name("r"), nonce: transcript.nonce())
    #expect(try transcript.run(end) == .committed)
  }

  @Test("A writer ends a session whose late commit was completed and forgotten")
  func endAfterForgetting() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    let late = try transcript.client(commit(writer, "r", on: transcript))
      .pause(beforeChanging: .sessions)
    #expect(try transcript.answer(to: late).isStored)
    _ = try transcript.run(ListRevisions())
    _ = try transcript.run(ForgetRevision(name("r")))
    let end = EndSession(writer, afterCommitting: name("r"), nonce: transcript.nonce())
    #expect(try transcript.run(end) == .committed)
  }

  @Test("A writer ends a session that was fenced")
  func endAfterFence() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    try transcript.client(commit(writer, "r", on: transcript)).pause(beforeChanging: .sessions)
    _ = try transcript.run(EndSession(writer, nonce: transcript.nonce()))
    let end = EndSession(writer, afterCommitting: name("r"), nonce: transcript.nonce())
    #expect(try transcript.run(end) == .ended)
  }

  @Test("A renewal finds out that the session has committed")
  func renewalAfterCommit() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    _ = try transcript.run(commit(writer, "r", on: transcript))
    let renewal = ChangeSession.renewal(of: writer, nonce: transcript.nonce())
    guard case .committed(name("r")) = try transcript.run(renewal) else {
      Issue.record("the renewal was to find the commit")
      return
    }
    #expect(try transcript.run(ListRevisions()) == [name("r")])
    guard case .gone = try transcript.run(renewal) else {
      Issue.record("the session was to be gone")
      return
    }
  }

  @Test("A session does not begin under the name of one that is there, whatever that is")
  func nameInUse() throws {
    let transcript = try Transcript()
    let nonce = transcript.nonce()
    let first = try transcript.run(BeginSession(.writing, nonce: nonce)).session
    #expect(try transcript.run(commit(first, "r", on: transcript)) == .committed)
    let second = try transcript.run(BeginSession(.writing, nonce: nonce)).session
    #expect(second.id != first.id)
    let third = try transcript.run(BeginSession(.writing, pinning: [name("r")], nonce: nonce))
    #expect(third.session.id != second.id)
    #expect(third.view.pinned[name("r")] == [1], "the committed session is completed")
    #expect(try transcript.run(ListRevisions()) == [name("r")])
  }

  @Test("A session that has committed one revision does not commit another")
  func secondCommit() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    #expect(try transcript.run(commit(writer, "r", on: transcript)) == .committed)
    #expect(throws: SessionProtocolError.self) {
      try transcript.run(commit(writer, "r2", on: transcript))
    }
    #expect(try transcript.run(ListRevisions()) == [name("r")])
  }

  @Test("A session is not completed with what another one has staged")
  func stagedByAnother() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    #expect(try transcript.run(commit(writer, "r", on: transcript)) == .committed)
    let staged = ObjectKey(.staged, name("r"))
    let other = StagedRecord(session: name("other", in: .sessions), document: [2])
    transcript.store.put(other.bytes, as: staged)
    #expect(throws: SessionProtocolError.self) {
      try transcript.run(CompleteSession(writer.id))
    }
    #expect(!transcript.exists(.revisions, "r"))
  }

  @Test("A revision that is committed and not in its place yet can be pinned, and forgotten")
  func committedNotCompleted() throws {
    let transcript = try Transcript()
    for revision in ["r1", "r2"] {
      let writer = try transcript.begin().session
      #expect(try transcript.run(commit(writer, revision, on: transcript)) == .committed)
      #expect(!transcript.exists(.revisions, revision))
    }
    let reader = try transcript.begin(.reading, pinning: [name("r1")])
    #expect(reader.view.pinned[name("r1")] == [1])
    #expect(try transcript.run(ForgetRevision(name("r2"))) == .forgotten)
    #expect(try transcript.run(ListRevisions()) == [name("r1")])
    #expect(try transcript.run(ForgetRevision(name("none"))) == .notFound)
  }

  @Test("A lost answer to the put of a tombstone is no failure, however late")
  func forgottenWithoutAnswer() throws {
    let transcript = try Transcript()
    try transcript.backup("r", [1])
    let forget = try transcript.client(ForgetRevision(name("r")))
    let put = try forget.pause(beforeChanging: .forgotten)
    #expect(try transcript.answer(to: put).isStored)
    let collector = TranscriptCollector("collector", on: transcript)
    for _ in 1...3 {
      try collector.runPass()
      transcript.now += transcript.times.delayBound + .seconds(1)
    }
    #expect(!transcript.exists(.forgotten, "r"))
    try forget.loseRequest()
    #expect(try forget.finish() == .forgotten)
  }

  @Test("A store that never answers is an error")
  func silentStore() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    transcript.isSilent = true
    func isUnanswered<P: Procedure>(_ procedure: P) -> Bool {
      let error = #expect(throws: SessionProtocolError.self) { _ = try transcript.run(procedure) }
      return error?.code == .unanswered
    }
    #expect(isUnanswered(BeginSession(.writing, nonce: transcript.nonce())))
    #expect(isUnanswered(ChangeSession.renewal(of: writer, nonce: transcript.nonce())))
    #expect(isUnanswered(commit(writer, "r", on: transcript)))
    #expect(isUnanswered(EndSession(writer, nonce: transcript.nonce())))
    #expect(isUnanswered(CompleteSession(writer.id)))
    #expect(isUnanswered(ListRevisions()))
    #expect(isUnanswered(ForgetRevision(name("r"))))
    #expect(isUnanswered(SettledRemove(p1)))
    let collector = TranscriptCollector("collector", on: transcript)
    let error = #expect(throws: SessionProtocolError.self) { try collector.runPass() }
    #expect(error?.code == .unanswered)
  }

  @Test("A store that answers, and never does what it is asked to, is an error")
  func idleStore() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    _ = try transcript.run(commit(writer, "r", on: transcript))
    transcript.isIdle = true
    for procedure: any ComposedProcedure in [
      BeginSession(.writing, nonce: transcript.nonce()),
      commit(writer, "r2", on: transcript), CompleteSession(writer.id),
    ] {
      let error = #expect(throws: SessionProtocolError.self) { _ = try transcript.run(procedure) }
      #expect(error?.code == .unanswered)
    }
  }
}
