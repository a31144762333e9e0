import CalendarTime
import ChunkFormat
import ChunkStore
import Exports
import NBDTestSupport
import NBDServer
import TestSupport
import Testing
import VolumeReader

@Suite("Exported revisions")
struct CatalogTests {
  private let disks: StoredDisks
  /// The first and the second revision of `web01`, which has one volume.
  private let web: [RevisionID]
  /// The revisions of `db01`, which has a second volume since the second revision.
  private let db: [RevisionID]

  init() throws {
    disks = try StoredDisks()
    web = [
      try disks.backUp("web01", ["vda": [1]]), try disks.backUp("web01", ["vda": [2, 2]]),
    ]
    db = [
      try disks.backUp("db01", ["vda": [3]]), try disks.backUp("db01", ["vda": [4], "vdb": [5]]),
    ]
  }

  private func catalog(_ references: String...) throws -> RevisionCatalog {
    try RevisionCatalog(
      repository: disks.repository, references: try references.map { try RevisionReference($0) },
      context: .testing(), zone: .fixed(offsetSeconds: 0))
  }

  private func listed(_ id: RevisionID, _ suffix: String = "") -> String {
    "\(id.description.prefix(16))\(suffix)"
  }

  /// Returns the sizes in chunks, or why there is no such export.
  private func open(_ name: String, _ catalog: RevisionCatalog) throws -> String {
    do {
      guard let export = try catalog.open(name) else { return "nothing" }
      export.close()
      return "\(export.volume.sizeBytes / UInt64(StoredDisks.chunkBytes))"
    } catch let error as NoSuchExport {
      return error.reason
    }
  }

  @Test("without references everything is exported, newest first, without a default")
  func everything() throws {
    let catalog = try catalog()
    let names = try catalog.list().map(\.name)
    #expect(
      Set(names.prefix(2)) == ["db01@" + listed(db[1], "/vda"), "db01@" + listed(db[1], "/vdb")])
    #expect(
      names.dropFirst(2) == [
        "db01@" + listed(db[0]), "web01@" + listed(web[1]), "web01@" + listed(web[0]),
      ])
    #expect(try open("web01", catalog) == "2")
    #expect(try open("", catalog).contains("no default export"))
    #expect(try catalog.defaultExportName() == nil)
  }

  @Test("one exported revision is the default and has every name that means it")
  func oneRevision() throws {
    let catalog = try catalog("web01@first")
    #expect(try catalog.list().map(\.name) == ["web01@" + listed(web[0])])
    for name in ["", "web01@first", "web01@1", "\(web[0])", "web01@\(web[0])"] {
      #expect(try open(name, catalog) == "1", "\(name)")
    }
    for name in ["web01", "web01@0", "\(web[1])", "db01/vda"] {
      #expect(try open(name, catalog).contains("is not exported"), "\(name)")
    }
    #expect(try catalog.defaultExportName()?.contains("@") == true)
  }

  @Test("a job stands for all its revisions, JOB/VOLUME for those with the volume")
  func job() throws {
    #expect(try catalog("db01").list().count == 3)
    #expect(try catalog("db01/vda").list().count == 2)
    #expect(try catalog("db01/vdb").list().map(\.name) == ["db01@" + listed(db[1], "/vdb")])
    #expect(try open("", catalog("db01/vdb")) == "1")
    #expect(try open("", catalog("db01")).contains("3 volumes"))
    #expect(try open("web01", catalog("db01")).contains("is not exported"))
  }

  @Test("several references are combined, each volume once")
  func several() throws {
    let catalog = try catalog("web01@0", "web01@latest", "db01@1")
    let names = Set(try catalog.list().map(\.name))
    #expect(names == ["web01@" + listed(web[1]), "db01@" + listed(db[0])])
  }

  @Test("references are resolved when a client asks")
  func moving() throws {
    let catalog = try catalog("web01@latest")
    #expect(try open("", catalog) == "2")
    try disks.backUp("web01", ["vda": [6, 6, 6]])
    #expect(try open("", catalog) == "3")
    #expect(try open("web01@latest", catalog) == "3")
    // A client that knows an exported id can open it again. Other ids are refused.
    #expect(try open("\(web[1])", catalog) == "2")
    #expect(try open("\(web[0])", catalog).contains("is not exported"))
  }

  @Test("an unknown reference is an error at the start and ignored later")
  func unknown() throws {
    let error = #expect(throws: ReferenceError.self) {
      try catalog("web01", "web02").checkReferences()
    }
    #expect(error?.description.contains("web02") == true)
    #expect(throws: ReferenceError.self) { try catalog("db01/vdc").checkReferences() }
    #expect(throws: ReferenceError.self) { try catalog("web01@5").checkReferences() }
    try catalog("web01", "db01@0/vdb").checkReferences()
    #expect(try catalog("web02").list().isEmpty)
  }

  @Test("a forgotten revision stays open but is refused to new clients")
  func forgotten() throws {
    let catalog = try catalog()
    let export = try #require(try catalog.open("\(web[0])"))
    defer { export.close() }
    try disks.forget(web[0])
    for name in ["\(web[0])", "web01@first", "web01@\(web[0])"] {
      #expect(try open(name, catalog) != "1", "\(name)")
    }
    #expect(try !catalog.list().contains { $0.name.contains(listed(web[0])) })
    let pieces = try export.volume.content(of: 0..<10)
    #expect(pieces.reduce(0) { $0 + $1.lengthBytes } == 10)
    #expect(try disks.pinned().contains([web[0]]))
  }
}

@Suite("Refused exports")
struct RefusedExportTests {
  @Test("the log has the reason on one short line; the client learns nothing")
  func reasons() throws {
    let disks = try StoredDisks()
    try disks.backUp("secret", ["vda": [1]])
    try disks.backUp("web01", ["vda": [2]])
    let server = try RunningServer(
      RevisionCatalog(
        repository: disks.repository, references: [try RevisionReference("web01")],
        context: .testing()))
    let client = try server.greet()
    for name in ["secret@latest", "nobody\n\u{1b}[2J", String(repeating: "x", count: 4000)] {
      client.send(Handshake.choose(7, name))
      try client.expect(Handshake.reply(7, 0x8000_0006, .text("there is no such export")))
    }
    let refusals = server.log.all.filter { $0.contains("refused an export") }
    #expect(refusals.count == 3)
    #expect(refusals.first?.contains("secret@latest") == true)
    for line in refusals {
      #expect(!line.unicodeScalars.contains { $0.value < 32 })
      #expect(line.utf8.count < 600)
    }
  }
}
