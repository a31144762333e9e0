import ObjectStorage
import Testing

/// One collector sleeps, once after each of its requests in turn; others do all that they have to. `p1` holds
/// chunk 1.
@Suite("Session protocol: a collector sleeps after any request")
struct HandoverTests {
  @Test("Another collector deletes the other copy")
  func otherCopyDeleted() throws {
    try afterEachRequest(rewrites: true) { transcript, sleep in
      let copy = transcript.content.seal([1], at: transcript.now)
      _ = try transcript.run(copy.put)
      try transcript.backup("r", [1])
      let other = TranscriptCollector("other", on: transcript)
      try other.startPass(condemning: [p1])
      try other.pause(beforeChanging: .dataPacks)

      return try sleep([copy.key]) {
        try other.finishPass()
        transcript.now += transcript.times.delayBound + .seconds(1)
        try other.runPass()
      }
    }
  }

  @Test("A writer commits, and another collector puts its pack into deleting")
  func committedMeanwhile() throws {
    try afterEachRequest { transcript, sleep in
      let writer = try transcript.begin().session
      let other = TranscriptCollector("other", on: transcript)
      other.rewrites = true
      try other.runPass(condemning: [p1])

      return try sleep([]) {
        let commit = CommitSession(
          writer, revision: name("r"), document: [1], nonce: transcript.nonce())
        #expect(try transcript.run(commit) == .committed)
        try other.startPass()
        try other.pause(beforeChanging: .dataPacks)
      }
    }
  }

  @Test("A reader pins a revision, and somebody forgets it")
  func pinnedAndForgotten() throws {
    try afterEachRequest { transcript, sleep in
      try transcript.backup("r", [1])
      return try sleep([p1]) {
        let reader = try transcript.begin(.reading, pinning: [name("r")])
        #expect(reader.view.pinned[name("r")] == [1])
        #expect(try transcript.run(ForgetRevision(name("r"))) == .forgotten)
      }
    }
  }

  @Test("A backup runs from its begin to its commit")
  func backupMeanwhile() throws {
    try afterEachRequest { transcript, sleep in
      try sleep([p1]) {
        let begun = try transcript.begin()
        if begun.view.absentPacks.contains(p1) || !transcript.exists(p1) {
          _ = try transcript.run(transcript.content.seal([1], at: transcript.now).put)
        }
        let commit = CommitSession(
          begun.session, revision: name("r"), document: [1], nonce: transcript.nonce())
        #expect(try transcript.run(commit) == .committed)
      }
    }
  }

  @Test("A backup takes over from a revision that is forgotten, and its tombstone's time passes")
  func tombstoneGoesMeanwhile() throws {
    try afterEachRequest { transcript, sleep in
      try transcript.backup("r", [1])
      let other = TranscriptCollector("other", on: transcript)
      return try sleep([p1]) {
        // The other collector waits for this one, and leaves the condemnation to the one that sleeps.
        var lasting = try transcript.begin().session
        let writer = try transcript.begin(pinning: [name("r")])
        #expect(writer.view.pinned[name("r")] == [1])
        #expect(try transcript.run(ForgetRevision(name("r"))) == .forgotten)
        let commit = CommitSession(
          writer.session, revision: name("r2"), document: [1], nonce: transcript.nonce())
        #expect(try transcript.run(commit) == .committed)
        for _ in 1...4 {
          try other.runPass()
          transcript.now += transcript.times.delayBound / 2
          let renewal = ChangeSession.renewal(of: lasting, nonce: transcript.nonce())
          guard case .changed(let handle) = try transcript.run(renewal) else {
            Issue.record("the lasting session is fenced")
            return
          }
          lasting = handle
        }
      }
    }
  }

  /// `scene` prepares a store, and calls `sleep` with what the collector condemns, and with what happens while it
  /// sleeps. Afterwards chunk 1 is there.
  private func afterEachRequest(
    rewrites: Bool = false,
    _ scene: (Transcript, (_ condemned: [ObjectKey], _ meanwhile: () throws -> Void) throws -> Bool)
      throws -> Bool
  ) throws {
    var requests = 0
    var goesOn = true
    while goesOn {
      let transcript = try Transcript()
      goesOn = try scene(transcript) { condemned, meanwhile in
        let collector = TranscriptCollector("sleeper", on: transcript)
        collector.rewrites = rewrites
        try collector.startPass(condemning: condemned)
        let goesOn = try collector.advance(requests: requests)
        try meanwhile()
        try collector.finishPass()
        return goesOn
      }
      let chunks = transcript.content.chunks(in: transcript.store.packs)
      #expect(chunks == [1], "it slept after \(requests) requests")
      requests += 1
    }
    #expect(requests > 8)
  }
}
