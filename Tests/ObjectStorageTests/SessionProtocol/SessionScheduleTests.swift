import ObjectStorage
import Testing

/// The schedules that break simpler leases, and those that chance seldom meets. `p1` holds chunk 1.
@Suite("Session protocol: schedules")
struct SessionScheduleTests {
  @Test("A writer that sleeps between its last check and its commit does not commit")
  func writerPausedBeforeCommit() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    let commit = try transcript.client(
      CommitSession(writer, revision: name("r"), document: [1], nonce: transcript.nonce()))
    // It has seen p1, and all is well. It sleeps.
    try commit.pause(beforeChanging: .sessions)

    let collector = TranscriptCollector("collector", on: transcript)
    try collector.runPass(condemning: [p1])
    #expect(transcript.exists(p1), "the writer is awaited")
    transcript.now += .seconds(100)
    try collector.runPass()
    #expect(!transcript.exists(p1), "the writer is fenced, and nothing needs the pack")

    #expect(try commit.finish() == .fenced)
    #expect(try transcript.run(ListRevisions()) == [])
  }

  @Test("A writer whose commit comes before the fence is committed, and its packs stay")
  func commitBeforeFence() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    let collector = TranscriptCollector("collector", on: transcript)
    try collector.runPass(condemning: [p1])
    transcript.now += .seconds(100)
    // The collector has seen it unchanged for a term, and is about to fence it.
    try collector.startPass()
    try collector.pause(beforeChanging: .sessions)

    let commit = CommitSession(
      writer, revision: name("r"), document: [1], nonce: transcript.nonce())
    #expect(try transcript.run(commit) == .committed)

    try collector.finishPass()
    #expect(try transcript.run(ListRevisions()) == [name("r")], "the collector has completed it")
    #expect(transcript.exists(p1))
    #expect(transcript.store.names(.sessions) == [])
  }

  @Test("A collector that sleeps before it deletes does not delete what another one has pardoned")
  func collectorPausedWhileAnotherPardons() throws {
    let transcript = try Transcript()
    let first = TranscriptCollector("first", on: transcript)
    // Nothing needs p1. It is about to put it into deleting, and sleeps.
    try first.startPass(condemning: [p1])
    try first.pause(beforeChanging: .condemned, count: 2)

    let second = TranscriptCollector("second", on: transcript)
    second.pardons = [p1]
    try second.runPass()
    try transcript.backup("r", [1])

    try first.finishPass()
    #expect(transcript.exists(p1))
    #expect(try transcript.run(ListRevisions()) == [name("r")])
  }

  @Test("A late put of a forgotten revision does not bring it back")
  func latePutOfForgottenRevision() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    _ = try transcript.run(
      CommitSession(writer, revision: name("r"), document: [1], nonce: transcript.nonce()))
    // The writer puts revisions/r; the request is on its way. Another client completes the session.
    let late = try transcript.client(CompleteSession(writer.id)).pause(beforeChanging: .revisions)
    #expect(try transcript.run(ListRevisions()) == [name("r")])
    #expect(try transcript.run(ForgetRevision(name("r"))) == .forgotten)
    let collector = TranscriptCollector("collector", on: transcript)
    try collector.runPass()

    // It arrives as late as it can.
    transcript.now += transcript.times.delayBound
    #expect(try transcript.answer(to: late).isStored)
    #expect(try transcript.run(ListRevisions()) == [])
    // A moment later the store refuses it, and the tombstone may go: after what came late.
    transcript.now += .seconds(1)
    guard case .expired = try transcript.answer(to: late) else {
      Issue.record("the request was to be refused")
      return
    }
    try collector.startPass()
    try collector.pause(beforeChanging: .revisions)
    #expect(transcript.exists(.forgotten, "r"))
    try collector.finishPass()
    try collector.runPass()
    #expect(transcript.store.names(.revisions) == [])
    #expect(transcript.store.names(.forgotten) == [])
  }

  @Test("A list that sleeps does not show a revision that was forgotten before it began")
  func sleepingList() throws {
    let transcript = try Transcript()
    try transcript.backup("r", [1])
    let forget = try transcript.client(ForgetRevision(name("r")))
    try forget.pause(beforeChanging: .revisions)
    #expect(try transcript.run(ListRevisions()) == [])

    let list = try transcript.client(ListRevisions())
    try list.advance(requests: 2)
    _ = try forget.finish()
    let collector = TranscriptCollector("collector", on: transcript)
    try collector.runPass()
    transcript.now += transcript.times.delayBound + .seconds(1)
    try collector.runPass()
    #expect(!transcript.exists(.forgotten, "r"))
    #expect(try list.finish() == [])
  }

  @Test("Two collectors that each count on the other's copy delete neither copy first")
  func twoCollectors() throws {
    let transcript = try Transcript()
    let copy = transcript.content.seal([1], at: transcript.now)
    _ = try transcript.run(copy.put)
    try transcript.backup("r", [1])
    let first = TranscriptCollector("first", on: transcript)
    let second = TranscriptCollector("second", on: transcript)
    // Each condemns one of the two copies, and sleeps before it judges.
    try first.startPass(condemning: [p1])
    try first.pause(beforeChanging: .condemned, count: 2)
    try second.runPass(condemning: [copy.key])
    try first.finishPass()

    let packs = transcript.store.packs
    #expect(!packs.isDisjoint(with: [p1, copy.key]), "one of them is there")
    #expect(transcript.content.chunks(in: packs) == [1])
  }

  @Test("Two collectors that carry out one condemnation copy what is needed first")
  func twoCollectorsDelete() throws {
    let transcript = try Transcript()
    try transcript.backup("r", [1])
    let first = TranscriptCollector("first", on: transcript)
    first.rewrites = true
    try first.startPass(condemning: [p1])
    // It has put p1 into deleting, and dies before the copy is there.
    try first.pause(beforeChanging: .dataPacks)

    let second = TranscriptCollector("second", on: transcript)
    try second.runPass()
    #expect(transcript.store.packs.count == 1)
    #expect(!transcript.exists(p1))
    #expect(transcript.content.chunks(in: transcript.store.packs) == [1])
  }
}
