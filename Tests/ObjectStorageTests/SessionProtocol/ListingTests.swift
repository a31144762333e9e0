import ObjectStorage
import Testing

@Suite("Session protocol: lists")
struct ListingTests {
  /// Seven packs, three a page.
  private func transcript() throws -> Transcript {
    let transcript = try Transcript()
    for chunk: Chunk in 2...7 {
      _ = try transcript.run(transcript.content.seal([chunk], at: transcript.now).put)
    }
    return transcript
  }

  @Test("A list has each name once, in order")
  func complete() throws {
    #expect(try transcript().run(Listing(.dataPacks)) == (1...7).map { name("p\($0)") })
  }

  @Test(
    "A list whose pages contradict each other is an error, never less",
    .timeLimit(.minutes(1)), arguments: SimulatedObjectStore.PagingFlaw.allCases)
  func flawed(flaw: SimulatedObjectStore.PagingFlaw) throws {
    let transcript = try transcript()
    transcript.store.pagingFlaw = flaw
    let error = #expect(throws: SessionProtocolError.self) {
      try transcript.run(Listing(.dataPacks, limit: 1000))
    }
    #expect(error?.code == .unexpectedAnswer)
  }

  @Test(
    "A collector removes nothing because of a list whose pages contradict each other",
    arguments: SimulatedObjectStore.PagingFlaw.allCases.filter { $0 != .endless })
  func collectorStops(flaw: SimulatedObjectStore.PagingFlaw) throws {
    let transcript = try transcript()
    for revision in ["r1", "r2", "r3", "r4"] { try transcript.backup(revision, [1]) }
    let collector = TranscriptCollector("collector", on: transcript)
    try collector.startPass(condemning: [p1])
    try collector.pause(beforeChanging: .condemned)
    transcript.store.pagingFlaw = flaw
    #expect(throws: SessionProtocolError.self) { try collector.finishPass() }
    #expect(transcript.exists(p1))
  }

  @Test("What else lies in an area is no object of it")
  func foreignNames() throws {
    let transcript = try Transcript()
    for other in ["README", "../sessions", "", name("j").uppercased()] {
      transcript.store.put([1], as: ObjectKey(.sessions, other))
    }
    #expect(try transcript.run(Listing(.sessions)) == [])
    #expect(try transcript.run(ListRevisions()) == [])
    try TranscriptCollector("collector", on: transcript).runPass(condemning: [p1])
    #expect(!transcript.exists(p1))
  }
}
