import Administration
import BackupEngine
import CalendarTime
import ChunkFormat
import ChunkStore
import EngineTestSupport
import GarbageCollection
import JSONText
import TestSupport
import Testing
import Workers

@Suite("Lists, without a process")
struct ListTests {
  private let office: Office

  init() throws { office = try Office() }

  @Test("revisions are numbered in their job, also where only some are wanted")
  func revisions() throws {
    let first = try office.backUp(byte: 1, tags: ["nightly"])
    try office.backUp("db01", byte: 2)
    let last = try office.backUp(byte: 3)
    let all = try RevisionListRequest().run(on: office.repository)
    #expect(all.rows.map(\.number) == [1, 0, 0])
    #expect(all.json.elements.count == 3)
    let tagged = try RevisionListRequest(job: "web01", tag: "nightly").run(on: office.repository)
    #expect(tagged.rows.map(\.entry.id) == [first])
    #expect(tagged.rows[0].number == 1)
    #expect(tagged.json.elements[0]["id"]?.string == "\(first)")
    #expect(all.json.elements[2]["id"]?.string == "\(last)")
    #expect(throws: ReferenceError.self) {
      try RevisionListRequest(job: "nothing").run(on: office.repository)
    }
  }

  @Test("a revision that cannot be read is a finding, and goes with an error")
  func unreadable() throws {
    let lost = try office.backUp(byte: 1)
    let id = try office.backUp(byte: 2)
    try office.spoil(lost)
    let list = try RevisionListRequest().run(on: office.repository)
    #expect(list.rows.map(\.entry.id) == [id])
    #expect(list.unreadable.map(\.id) == [lost])
    let details = try RevisionDetailsRequest(revision: reference("\(id)"))
      .run(on: office.repository)
    #expect(details.notices.count == 1)
    let failure = #expect(throws: NoticedFailure.self) {
      try RevisionDetailsRequest(revision: reference("web01@7")).run(on: office.repository)
    }
    #expect(failure?.notices.count == 1)
    #expect(failure?.cause is ReferenceError)
  }

  @Test("details of a revision say that it is distrusted, and refuse an attachment it has not")
  func details() throws {
    let id = try office.backUp()
    try office.repository.updateMarks(of: id) { $0.distrust(at: 5, canBeUndone: true) }
    let details = try RevisionDetailsRequest(revision: reference("web01"))
      .run(on: office.repository)
    #expect(details.notices.map(\.description) == ["revision \(id.short) of web01 is distrusted"])
    #expect(details.json["volumes"]?.elements.count == 1)
    let refusal = #expect(throws: Refusal.self) {
      try details.attachment("domain.xml", in: office.repository)
    }
    guard case .noAttachment("domain.xml", of: id, job: "web01", present: []) = refusal else {
      return #expect(Bool(false), "\(String(describing: refusal))")
    }
  }

  @Test("tags come by job and name, with the newest revision of each")
  func tags() throws {
    try office.backUp(byte: 1, tags: ["b", "a"])
    let newest = try office.backUp(byte: 2, tags: ["a"])
    let list = try TagListRequest().run(on: office.repository)
    #expect(list.uses.map(\.tag) == ["a", "b"])
    #expect(list.uses.map(\.count) == [2, 1])
    #expect(list.json.elements[0]["newest"]?.string == "\(newest)")
  }

  @Test("usage of all jobs, of one, and of one that does not exist")
  func usage() throws {
    try office.backUp()
    func use(_ job: String?) throws -> UsageOutcome {
      try UsageRequest(job: job).run(
        on: office.repository, context: office.place.context)
    }
    #expect(try use(nil).json["jobs"]?.elements.count == 1)
    #expect(try use("web01").json["revisions"]?.elements.count == 1)
    #expect(throws: ReferenceError.self) { try use("nothing") }
  }

  @Test("a difference is found, and its document is one JSON object")
  func difference() throws {
    try office.backUp(byte: 1)
    try office.backUp(byte: 2)
    let comparison = try DifferenceRequest(from: reference("web01@1"), to: reference("web01@0"))
      .prepare(on: office.repository)
    #expect(try comparison.run { _, _ in }.changedBytes == 64 << 10)
    var text = ""
    try comparison.document { text += $0 }
    let document = try #require(JSON(parsing: text))
    #expect(document["changes"]?.elements.count == 1)
    #expect(document["changedBytes"]?.count == 64 << 10)
    #expect(comparison.onlyInFrom.isEmpty && comparison.onlyInTo.isEmpty)
  }

  @Test("the quarantine, the index and the settings")
  func settings() throws {
    try office.backUp()
    #expect(try QuarantineListRequest().run(on: office.repository).json == .array([]))
    #expect(try IndexRequest().run(on: office.repository).json["packs"]?.count == 2)
    var steps = 0
    let rebuilt = try IndexRebuildRequest().run(on: office.repository) { _ in steps += 1 }
    #expect(rebuilt.packs == 2 && rebuilt.damaged.isEmpty && steps > 0)
    let changed = try CompressionChangeRequest(compression: .zstd(level: -3))
      .run(on: office.repository)
    #expect(changed.json["compression"]?.string == "zstd:-3")
    let shown = ConfigurationRequest().run(on: office.repository)
    #expect(shown.json["encrypted"] == .bool(false))
  }
}
