import EngineTestSupport
import Administration
import CalendarTime
import ChunkFormat
import ChunkStore
import JSONText
import Testing
import Workers

@Suite("Marks of revisions, without a process")
struct MarkTests {
  private let office: Office

  init() throws { office = try Office() }

  private func tag(_ change: TagChangeRequest.Change, _ tags: String...) throws -> [String] {
    try TagChangeRequest(change, tags, of: reference("web01")).run(on: office.repository)
      .json["tags"]?.strings ?? []
  }

  @Test("tags are added once, and all removed or none")
  func tags() throws {
    try office.backUp()
    #expect(try tag(.add, "a", "b") == ["a", "b"])
    #expect(try tag(.add, "b", "c") == ["a", "b", "c"])
    let refusal = #expect(throws: Refusal.self) { try tag(.remove, "a", "d") }
    guard case .noTag("d", _, job: "web01", present: ["a", "b", "c"]) = refusal else {
      return #expect(Bool(false), "\(String(describing: refusal))")
    }
    #expect(try tag(.remove, "a", "c") == ["b"])
  }

  @Test("protection says what changed; a name that leads nowhere changes nothing")
  func protection() throws {
    let id = try office.backUp()
    #expect(throws: ReferenceError.self) {
      try ProtectionRequest([reference("web01"), reference("web01@9")], protects: true)
        .run(on: office.repository)
    }
    #expect(try !office.repository.revision(id).marks.isProtected)
    func protect(_ protects: Bool) throws -> Bool? {
      try ProtectionRequest([reference("web01")], protects: protects).run(on: office.repository)
        .changes.first?.isChange
    }
    #expect(try protect(true) == true)
    #expect(try protect(true) == false)
    #expect(try office.repository.revision(id).marks.isProtected)
    #expect(try protect(false) == true)
  }

  private func distrust(
    _ choice: DistrustRequest.Choice, _ change: (inout DistrustRequest) -> Void = { _ in }
  ) throws -> DistrustOutcome {
    var request = DistrustRequest(choice)
    change(&request)
    return try request.run(
      on: office.repository, context: office.place.context)
  }

  @Test("a range of times needs a confirmation; names do not")
  func distrust() throws {
    let id = try office.backUp()
    let range = DistrustRequest.Choice.times(
      job: nil, from: TimeExpression("2000-01-01"), until: nil)
    let asked = try distrust(range)
    #expect(asked.entries.map(\.id) == [id] && !asked.isAllowed)
    #expect(asked.json["isChange"] == .bool(false))
    #expect(try office.repository.revision(id).marks.trust == .trusted)
    #expect(try distrust(range) { $0.isConfirmed = true }.isAllowed)
    #expect(try office.repository.revision(id).marks.trust == .distrusted)
    let undone = try distrust(.revisions([reference("web01")])) { $0.undoes = true }
    #expect(undone.undoneCount == 1 && undone.stillDistrusted.isEmpty)
    #expect(try office.repository.revision(id).marks.trust == .trusted)
    #expect(try !distrust(.revisions([reference("web01")])) { $0.isDryRun = true }.isAllowed)
  }

  @Test("times that exclude each other are refused")
  func emptyRange() throws {
    try office.backUp()
    let refusal = #expect(throws: Refusal.self) {
      try distrust(
        .times(
          job: nil, from: TimeExpression("2026-01-02"), until: TimeExpression("2026-01-01")))
    }
    guard case .emptyTimeRange = refusal else {
      return #expect(Bool(false), "\(String(describing: refusal))")
    }
  }

  @Test("a report that cannot be delivered prevents the change")
  func undelivered() throws {
    struct Full: Error {}
    let id = try office.backUp()
    #expect(throws: Full.self) {
      try DistrustRequest(.revisions([reference("web01")])).run(
        on: office.repository, context: office.place.context
      ) { _ in throw Full() }
    }
    #expect(try office.repository.revision(id).marks.trust == .trusted)
  }

  @Test("a job gets another name")
  func renaming() throws {
    try office.backUp()
    let renamed = try JobRenamingRequest("web01", to: "web02").run(on: office.repository)
    #expect(renamed.json["job"]?.string == "web02")
    #expect(renamed.json["revisions"]?.count == 1)
  }
}
