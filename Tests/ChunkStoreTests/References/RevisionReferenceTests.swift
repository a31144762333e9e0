import CalendarTime
import ChunkFormat
import ChunkStore
import StoreTestSupport
import Testing

@Suite struct RevisionReferenceTests {
  private let history: RevisionHistory

  init() throws {
    var history = RevisionHistory()
    try history.add("aa01", job: "web01", created: "2026-11-18T03:00:05", tags: ["golden"])
    try history.add("ab02c", job: "db01", created: "2026-11-18T04:00:00", volumes: ["vda", "vdb"])
    try history.add("ab02d", job: "web01", created: "2026-11-19T03:00:05", tags: ["nightly"])
    try history.add("12345", job: "web01", created: "2026-11-20T03:00:05", tags: ["nightly"])
    try history.add("cafe1", job: "cafe", created: "2026-11-20T05:00:00")
    try history.add("cafe2", job: "web01", created: "2026-11-20T21:00:05")
    self.history = history
  }

  private func id(of text: String) throws -> String {
    let entry = try RevisionReference(text).revision(
      in: history.entries, zone: .fixed(offsetSeconds: 3600), now: TestStore.time)
    return String(entry.id.description.prefix(5))
  }

  @Test(
    "every selector",
    arguments: [
      ("web01", "cafe2"), ("web01@latest", "cafe2"), ("web01@first", "aa010"),
      ("web01@0", "cafe2"), ("web01@1", "12345"), ("web01@0003", "aa010"),
      ("web01@tag:nightly", "12345"), ("web01@tag:golden", "aa010"),
      ("web01@ab02", "ab02d"), ("web01@AB02D", "ab02d"), ("web01@12345", "12345"),
      ("web01@2026-11-20", "cafe2"), ("web01@2026-11-19", "ab02d"),
      ("web01@2026-11-20T04:00:05", "12345"), ("web01@2026-11-20T04:00:04", "ab02d"),
      ("web01@2026-11-20T04:00", "12345"), ("web01@2026-11-20T03:00:05Z", "12345"),
      ("db01@latest/vdb", "ab02c"), ("db01/vda", "ab02c"),
    ])
  func selects(text: String, expected: String) throws {
    #expect(try id(of: text) == expected)
  }

  @Test(
    "bare ids",
    arguments: [
      ("aa01", "aa010"), ("ab02c", "ab02c"), ("AB02D", "ab02d"), ("1234", "12345"),
      ("aa01" + String(repeating: "0", count: 60), "aa010"), ("cafe2/disk", "cafe2"),
    ])
  func bareIDs(text: String, expected: String) throws {
    #expect(try id(of: text) == expected)
  }

  /// Midnight here is 23:00 UTC.
  @Test(
    "days",
    arguments: [
      ("web01@today", "2026-11-20T22:59:59", "cafe2"),
      ("web01@yesterday", "2026-11-20T22:59:59", "ab02d"),
      ("web01@yesterday", "2026-11-20T23:00:00", "cafe2"),
      ("web01@today", "2026-11-20T00:00:00", "cafe2"),
      ("db01@today/vdb", "2026-11-18T12:00:00", "ab02c"),
      ("db01@yesterday", "2026-11-18T23:00:00", "ab02c"),
    ])
  func days(text: String, now: String, expected: String) throws {
    let moment = try #require(
      TimeExpression(now + "Z")?.firstMoment(in: .fixed(offsetSeconds: 0)))
    let entry = try RevisionReference(text).revision(
      in: history.entries, zone: .fixed(offsetSeconds: 3600), now: moment)
    #expect(String(entry.id.description.prefix(5)) == expected)
  }

  /// A day of another length, and one that has no midnight.
  @Test(
    "days on which clocks are set",
    arguments: [
      // Berlin: 2026-10-25 has 25 hours, 2026-03-29 has 23.
      ("Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25T22:59:59", "2026-10-24T21:59:59"),
      ("Europe/Berlin", "2026-03-28T23:00:00", "2026-03-29T21:59:59", "2026-03-28T22:59:59"),
      // Cairo: 2026-04-24 begins at 01:00.
      ("Africa/Cairo", "2026-04-23T22:00:00", "2026-04-24T20:59:59", "2026-04-23T21:59:59"),
    ])
  func unusualDays(zone: String, first: String, last: String, before: String) throws {
    let zone = try #require(TimeZone.named(zone))
    let (first, last, before) = (try utc(first), try utc(last), try utc(before))
    for (made, now, isFound) in [
      (first, last, true), (last, first, true), (before, first, false), (before, last, false),
      (last + .seconds(1), last, false),
    ] {
      var history = RevisionHistory()
      try history.add("aa01", job: "a", created: made)
      let found = try? RevisionReference("a@today").revision(
        in: history.entries, zone: zone, now: now)
      #expect((found != nil) == isFound, "made \(made.rfc3339), now \(now.rfc3339)")
    }
    var history = RevisionHistory()
    try history.add("aa01", job: "a", created: before)
    for now in [first, last] {
      let entry = try RevisionReference("a@yesterday").revision(
        in: history.entries, zone: zone, now: now)
      #expect(entry.revision.created == before)
    }
  }

  private func utc(_ text: String) throws -> Timestamp {
    try #require(TimeExpression(text + "Z")?.firstMoment(in: .fixed(offsetSeconds: 0)))
  }

  @Test func aDayWithoutARevisionSaysWhichThereAre() throws {
    let error = #expect(throws: ReferenceError.self) {
      try RevisionReference("web01@today").revision(
        in: history.entries, zone: .fixed(offsetSeconds: 3600), now: try utc("2026-11-21T12:00:00"))
    }
    #expect(error?.code == .noSuchRevision)
    #expect(
      error?.description.contains("no revision of 2026-11-21; the newest is of 2026-11-20 22:00:05")
        == true)
  }

  @Test func aJobGoesBeforeAnID() throws {
    #expect(try id(of: "cafe") == "cafe1")
  }

  @Test(
    "misses say what there is",
    arguments: [
      ("web02@latest", .unknownJob, "cafe, db01, web01"),
      ("web02", .unknownJob, "cafe, db01, web01"),
      ("deadbeef", .noSuchRevision, "no job has this name"),
      ("web01@4", .noSuchRevision, "number 3"),
      ("cafe@1", .noSuchRevision, "1 revision:"),
      ("web01@beef", .noSuchRevision, "begins with beef"),
      ("web01@20261120", .noSuchRevision, "begins with 20261120"),
      ("web01@ab02c", .noSuchRevision, "is of job 'db01'"),
      ("web01@2026-11-17", .noSuchRevision, "2026-11-18 04:00:05"),
      ("web01@tag:gold", .noSuchRevision, "golden, nightly"),
      ("cafe@tag:gold", .noSuchRevision, "the job has no tags"),
      ("ab02", .ambiguous, "2 revisions"),
    ] as [(String, ReferenceError.Code, String)])
  func misses(text: String, code: ReferenceError.Code, hint: String) throws {
    let error = #expect(throws: ReferenceError.self) { try id(of: text) }
    #expect(error?.code == code)
    let description = try #require(error?.description)
    #expect(description.contains(hint), "\(description)")
  }

  @Test(
    "text that names nothing",
    arguments: [
      "", "@latest", "web01@", "web01@tomorrow", "web01@abc", "web01@tag:", "web01@tag:a,b",
      "web01@-1", "web01@2026-02-30", "web01/", "web01@latest/", "web01@latest/a/b", "-web01@0",
      "web 01@latest", "web01@latest@0",
    ])
  func malformed(text: String) throws {
    let error = #expect(throws: ReferenceError.self) { try RevisionReference(text) }
    #expect(error?.code == .malformed)
    let description = try #require(error?.description)
    #expect(description.hasPrefix("'\(text)'"), "\(description)")
  }

  @Test func anEmptyRepositoryHasNoJobs() throws {
    let error = #expect(throws: ReferenceError.self) {
      try RevisionReference("web01@latest").revision(in: [], now: TestStore.time)
    }
    #expect(error?.description.contains("holds no revisions yet") == true)
  }

  @Test func aVolumeNeedNotBeNamedWhereThereIsOne() throws {
    let reference = try RevisionReference("web01@latest")
    let revision = try reference.revision(in: history.entries, now: TestStore.time).revision
    #expect(try reference.volume(of: revision).name == "disk")
  }

  @Test(
    "volumes",
    arguments: [
      ("db01", .ambiguous, "vda, vdb"), ("db01@0/vdc", .unknownVolume, "vda, vdb"),
    ] as [(String, ReferenceError.Code, String)])
  func volumeMisses(text: String, code: ReferenceError.Code, hint: String) throws {
    let reference = try RevisionReference(text)
    let revision = try reference.revision(in: history.entries, now: TestStore.time).revision
    let error = #expect(throws: ReferenceError.self) { try reference.volume(of: revision) }
    #expect(error?.code == code)
    #expect(error?.description.contains(hint) == true)
  }
}
