import ObjectStorage
import Testing

/// Two rules for who stores packs, kept and broken. `p1` holds chunk 1.
@Suite("Session protocol: rules for writers")
struct WriterRuleTests {
  @Test(
    "Content that is stored again while its pack is deleted survives", arguments: [true, false])
  func packNamesNeverRecur(isUnique: Bool) throws {
    let transcript = try Transcript()
    let old = transcript.content.seal([2], at: transcript.now, isUnique: isUnique)
    _ = try transcript.run(old.put)
    let collector = TranscriptCollector("collector", on: transcript)
    try collector.startPass(condemning: [old.key])
    try collector.pause(beforeChanging: .dataPacks)

    let writer = try transcript.begin()
    #expect(writer.view.absentPacks == [old.key])
    let new = transcript.content.seal([2], at: transcript.now, isUnique: isUnique)
    guard case .stored = try transcript.run(new.put) else {
      Issue.record("the pack was to be there")
      return
    }
    let commit = CommitSession(
      writer.session, revision: name("r"), document: [2], nonce: transcript.nonce())
    #expect(try transcript.run(commit) == .committed)

    try collector.finishPass()
    #expect(transcript.exists(new.key) == isUnique)
  }

  @Test("A pack that was seen after the session began stays", arguments: [true, false])
  func packsAreSeenAfterBegin(isAfter: Bool) throws {
    let transcript = try Transcript()
    let seenBefore = transcript.store.packs
    let collector = TranscriptCollector("collector", on: transcript)
    try collector.runPass(condemning: [p1])
    transcript.now += transcript.times.delayBound + .seconds(1)
    try collector.runPass()

    let writer = try transcript.begin()
    let seen = isAfter ? transcript.store.packs : seenBefore
    let used = seen.filter { !writer.view.absentPacks.contains($0) }
    #expect(used.allSatisfy { transcript.exists($0) } == isAfter)
  }
}
