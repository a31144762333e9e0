import Administration
import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import JSONText
import Overlays
import Testing

@Suite("Overlays, without a process")
struct OverlayOperationTests {
  private let office: Office
  private let overlays: OverlayStore
  private let id: RevisionID

  init() throws {
    office = try Office()
    overlays = try office.overlays()
    id = try office.backUp()
    try overlays.create("repair", on: try office.repository.revision(id))
  }

  private func list() throws -> [JSON] {
    try OverlayListRequest().run(on: office.repository, overlays: overlays).json.elements
  }

  private func commit(_ change: (inout OverlayCommitRequest) -> Void) throws -> PreparedCommit {
    var request = OverlayCommitRequest(overlay: "repair", program: "test")
    request.acceptsUnusual = true
    change(&request)
    return try request.prepare(on: office.repository, overlays: overlays)
  }

  @Test("an overlay is listed with its revision, also one that is gone")
  func listed() throws {
    let row = try #require(try list().first)
    #expect(row["name"]?.string == "repair" && row["revision"]?.string == "\(id)")
    #expect(row["revisionIsGone"] == .bool(false) && row["pin"]?.string != nil)
    #expect(row["isReadable"] == .bool(true) && row["isInUse"] == .bool(false))
    try office.spoil(id)
    let damaged = try OverlayListRequest().run(on: office.repository, overlays: overlays)
    #expect(damaged.overlays.first?.isDamaged == true)
    #expect(damaged.json.elements.first?["revisionIsGone"] == .bool(false))
    guard case .unreadable(id, _) = damaged.notices.first else {
      return #expect(Bool(false), "\(damaged.notices)")
    }
  }

  @Test("an overlay becomes a revision, and goes")
  func committed() throws {
    let newest = try office.backUp(byte: 2)
    let prepared = try commit { $0.tags = ["repaired", "repaired"] }
    #expect(prepared.newer.map(\.id) == [newest] && prepared.job == "web01")
    // It is in use.
    #expect(throws: OverlayError.self) {
      try OverlayRemovalRequest(name: "repair").run(on: overlays)
    }
    let made = try prepared.run(context: office.place.context)
    #expect(made.entry.marks.tags == ["repaired"] && made.entry.revision.parent == id)
    #expect(try prepared.end(after: made) == nil)
    #expect(try list().isEmpty)
  }

  @Test("an overlay that is kept can be committed again, to another job")
  func kept() throws {
    for job in ["web01", "experiment"] {
      let prepared = try commit {
        $0.job = job
        $0.keepsOverlay = true
      }
      #expect(prepared.newer.isEmpty && prepared.job == job)
      let made = try prepared.run(context: office.place.context)
      #expect(made.entry.revision.job == job)
      #expect(try prepared.end(after: made) == nil)
    }
    #expect(try list().first?["isInUse"] == .bool(false))
  }

  @Test("an overlay is removed once, with its pin")
  func removed() throws {
    let removed = try OverlayRemovalRequest(name: "repair").run(on: overlays)
    #expect(removed.leftPin == nil && removed.json["pinLeft"] == .null)
    #expect(try office.repository.pins().pins.isEmpty)
    #expect(throws: OverlayError.self) {
      try OverlayRemovalRequest(name: "repair").run(on: overlays)
    }
  }
}
