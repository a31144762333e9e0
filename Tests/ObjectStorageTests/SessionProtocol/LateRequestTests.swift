import ObjectStorage
import Testing

/// Requests that arrive after others have gone on. `p1` holds chunk 1.
@Suite("Session protocol: late requests")
struct LateRequestTests {
  @Test("A begin that arrives late makes a session that nobody owns")
  func lateBegin() throws {
    let transcript = try Transcript()
    let begin = try transcript.client(
      BeginSession(.writing, nonce: transcript.nonce()))
    let late = try begin.pause(beforeChanging: .sessions)
    try begin.loseRequest()
    let writer = try begin.finish().session
    let commit = try transcript.client(
      CommitSession(writer, revision: name("r"), document: [1], nonce: transcript.nonce()))
    try commit.pause(beforeChanging: .sessions)
    let collector = TranscriptCollector("collector", on: transcript)
    try collector.runPass(condemning: [p1])
    transcript.now += .seconds(100)
    try collector.runPass()
    #expect(!transcript.exists(p1))

    // The writer was fenced, and its session is gone. Now its first put arrives.
    #expect(try transcript.answer(to: late).isStored)
    #expect(try commit.finish() == .fenced)
    #expect(try transcript.run(ListRevisions()) == [])
  }

  @Test("A writer that gives up while its commit is on its way finds out whether it arrived")
  func lateCommit() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    let late = try transcript.client(
      CommitSession(writer, revision: name("r"), document: [1], nonce: transcript.nonce())
    ).pause(beforeChanging: .sessions)
    let end = try transcript.client(EndSession(writer, nonce: transcript.nonce()))
    try end.pause(beforeChanging: .sessions)
    #expect(try transcript.answer(to: late).isStored)

    #expect(try end.finish() == .committed)
    #expect(transcript.exists(.revisions, "r"))
  }

  @Test("A pack that arrives after it was deleted is not used, and goes again")
  func latePack() throws {
    let transcript = try Transcript()
    let pack = transcript.content.seal([2], at: transcript.now)
    let put = try transcript.client(pack.put)
    let late = try put.pause(beforeChanging: .dataPacks)
    try put.loseRequest()
    guard case .absent = try put.finish() else {
      Issue.record("the pack was to be absent")
      return
    }
    guard case .stored = try transcript.run(pack.put) else {
      Issue.record("the pack was to be stored")
      return
    }
    let collector = TranscriptCollector("collector", on: transcript)
    try collector.runPass(condemning: [pack.key])
    #expect(!transcript.exists(pack.key))

    #expect(try transcript.answer(to: late).isStored)
    #expect(try transcript.begin().view.absentPacks.contains(pack.key))
    transcript.now += transcript.times.delayBound + .seconds(1)
    try collector.runPass()
    #expect(!transcript.exists(pack.key))
    #expect(transcript.store.names(.condemned) == [])
    // From now on its name cannot come back.
    guard case .absent = try transcript.run(pack.put) else {
      Issue.record("the pack is stored again")
      return
    }
  }

  @Test("The put of a revision is as old as the look at its session")
  func slowCompletion() throws {
    let transcript = try Transcript()
    let writer = try transcript.begin().session
    _ = try transcript.run(
      CommitSession(writer, revision: name("r"), document: [1], nonce: transcript.nonce()))
    let slow = try transcript.client(CompleteSession(writer.id))
    // It has read the session, and sleeps for long.
    try slow.pause(beforeReading: .staged)
    transcript.now += transcript.times.delayBound + .seconds(1)
    let late = try slow.pause(beforeChanging: .revisions)
    #expect(try !transcript.answer(to: late).isStored)

    try slow.finish()
    #expect(transcript.exists(.revisions, "r"), "it has looked again")
  }

  @Test("A revision with a tombstone cannot be pinned, although it is still in its place")
  func pinOfForgotten() throws {
    let transcript = try Transcript()
    try transcript.backup("r", [1])
    try transcript.client(ForgetRevision(name("r"))).pause(beforeChanging: .revisions)
    #expect(transcript.exists(.revisions, "r"))
    #expect(try transcript.begin(.reading, pinning: [name("r")]).view.pinned[name("r")] == nil)
    #expect(try transcript.run(ListRevisions()) == [])
  }

  @Test("A forgotten revision and its tombstone stay while a session pins it")
  func forgottenWhilePinned() throws {
    let transcript = try Transcript()
    try transcript.backup("r", [1])
    var reader = try transcript.begin(.reading, pinning: [name("r")]).session
    #expect(try transcript.run(ForgetRevision(name("r"))) == .forgotten)
    let collector = TranscriptCollector("collector", on: transcript)
    for _ in 1...4 {
      try collector.runPass(condemning: [p1])
      transcript.now += .seconds(90)
      guard
        case .changed(let handle) = try transcript.run(
          ChangeSession.renewal(of: reader, nonce: transcript.nonce()))
      else {
        Issue.record("the reader is fenced")
        return
      }
      reader = handle
    }
    #expect(transcript.exists(p1))
    #expect(transcript.exists(.forgotten, "r"))

    _ = try transcript.run(EndSession(reader, nonce: transcript.nonce()))
    for _ in 1...3 {
      try collector.runPass(condemning: [p1])
      transcript.now += .seconds(90)
    }
    #expect(!transcript.exists(p1))
    #expect(transcript.store.names(.forgotten) == [])
  }
}

extension StoreAnswer {
  var isStored: Bool { if case .stored = self { true } else { false } }
}
