import ChunkFormat
import ChunkStore
import Exports
import NBDProtocol
import NBDServer
import Testing
import VolumeReader

/// The contexts that report what changed since another revision.
@Suite struct ChangeContextTests {
  private static let chunk = UInt64(StoredDisks.chunkBytes)
  private let disks: StoredDisks
  private let catalog: RevisionCatalog
  /// The revisions of web01, oldest first.
  private let ids: [RevisionID]

  /// Creates three revisions of web01: chunk 1 changes and chunk 2 becomes a hole, then the disk
  /// grows.
  init() throws {
    disks = try StoredDisks()
    ids = [
      try disks.backUp("web01", tags: ["golden"], ["disk": [1, 2, 3, 0]]),
      try disks.backUp("web01", ["disk": [1, 9, 0, 0]]),
      try disks.backUp("web01", ["disk": [1, 9, 0, 0, 0, 7]]),
    ]
    catalog = try disks.catalog()
  }

  private func open(_ name: String) throws -> OpenedExport {
    try #require(try catalog.open(name))
  }

  /// Returns the status of `name` in the context of `selector`, as chunks and flags.
  private func changes(
    in name: String, since selector: String
  ) throws -> [(chunks: UInt64, flags: UInt32)]? {
    let export = try open(name)
    defer { export.close() }
    let query = "varve:changed-since:\(selector)"
    guard let context = try export.contexts(matching: [query]).first else { return nil }
    #expect(context.name == query)
    return try context.source.status(of: 0..<export.volume.sizeBytes, limit: 100).map {
      ($0.lengthBytes / Self.chunk, $0.flags)
    }
  }

  @Test("bit 0 means changed, bit 1 means zeros now") func flags() throws {
    let second = try #require(try changes(in: "web01@1", since: "2"))
    #expect(second.map(\.chunks) == [1, 1, 1, 1])
    #expect(second.map(\.flags) == [0, 1, 3, 0])
    let third = try #require(try changes(in: "web01@0", since: "1"))
    #expect(third.map(\.chunks) == [4, 1, 1])
    #expect(third.map(\.flags) == [0, 3, 1])
    let backwards = try #require(try changes(in: "web01@2", since: "latest"))
    #expect(backwards.map(\.chunks) == [1, 2, 1])
    #expect(backwards.map(\.flags) == [0, 1, 0])
  }

  @Test("today is the day that the server's clock shows") func clock() throws {
    let expected = try #require(try changes(in: "web01@1", since: "latest"))
    let today = try #require(try changes(in: "web01@1", since: "today"))
    #expect(today.map(\.flags) == expected.map(\.flags))
  }

  @Test("every kind of selector works")
  func selectors() throws {
    let expected = try #require(try changes(in: "web01@0", since: "2")).map(\.flags)
    for selector in [
      "first", "tag:golden", "\(ids[0])", String("\(ids[0])".prefix(20)), "2027-01-15T09:00:00",
    ] {
      #expect(try changes(in: "web01@0", since: selector)?.map(\.flags) == expected, "\(selector)")
    }
  }

  @Test("a selector without a revision of the volume is left out")
  func unknown() throws {
    let other = try disks.backUp("db01", ["vda": [1], "vdb": [2]])
    for selector in ["3", "tag:none", "latest/disk", "", "no such thing", "\(other)", "a@b"] {
      #expect(try changes(in: "web01@0", since: selector) == nil, "'\(selector)'")
    }
    let export = try open("web01@0")
    defer { export.close() }
    let queries = ["3", "1", "99", "2"].map { "varve:changed-since:\($0)" }
    let found = try export.contexts(matching: queries + ["varve:nonsense"])
    #expect(found.map(\.name) == [queries[1], queries[3]])
  }

  @Test("volumes are compared by name, single volumes always") func volumes() throws {
    try disks.backUp("web01", ["vda": [1, 9, 0, 0, 0, 8], "vdb": [5]])
    try disks.backUp("web01", ["vda": [1, 9, 0, 0, 0, 8]])
    #expect(try changes(in: "web01@0", since: "1")?.map(\.flags) == [0])
    #expect(try changes(in: "web01@0", since: "2")?.map(\.flags) == [0, 1], "'vda' was 'disk'")
    #expect(try changes(in: "web01@1/vdb", since: "0") == nil)
    #expect(try changes(in: "web01@1/vda", since: "2") == nil, "which of the two was 'disk'?")
  }

  @Test("a bare namespace lists the newest other revisions") func listed() throws {
    let export = try open("web01@1")
    defer { export.close() }
    let before = try disks.pinned()
    let names = try export.contexts(matching: ["varve:"]).map(\.name)
    #expect(names == [ids[2], ids[0]].map { "varve:changed-since:\("\($0)".prefix(16))" })
    #expect(try disks.pinned() == before, "what is only listed is not pinned")
    #expect(try export.contexts(matching: names).map(\.name) == names)
    #expect(try export.contexts(matching: ["varve:", names[1]]).map(\.name) == names)
    for number in 1...70 as ClosedRange<UInt8> { try disks.backUp("web01", ["disk": [number]]) }
    #expect(try export.contexts(matching: ["varve:"]).count == 64)
  }

  @Test("compared revisions are pinned until the export is closed")
  func pinned() throws {
    let export = try open("web01@0")
    #expect(try disks.pinned() == [[ids[2]]])
    let queries = ["1", "2", "first"].map { "varve:changed-since:\($0)" }
    let contexts = try export.contexts(matching: queries)
    #expect(try disks.pinned() == [Set(ids)])
    _ = try export.contexts(matching: [queries[0]])
    #expect(try disks.pinned() == [Set(ids)], "still, and by one session")
    // After a forget, the revision is gone for other clients, but not for the client that has it.
    try disks.forget(ids[0])
    #expect(try export.contexts(matching: ["varve:changed-since:\(ids[0])"]).isEmpty)
    #expect(
      try contexts[2].source.status(of: 0..<export.volume.sizeBytes, limit: 9).map(\.flags).last
        == 1)
    export.close()
    #expect(try disks.pinned().isEmpty)
  }

  @Test("no data is read") func mapsAlone() throws {
    try disks.loseData()
    #expect(try changes(in: "web01@1", since: "2")?.map(\.flags) == [0, 1, 3, 0])
  }

  @Test("a status of a part has at most the requested extents") func part() throws {
    let export = try open("web01@1")
    defer { export.close() }
    let context = try #require(
      try export.contexts(matching: ["varve:changed-since:2"]).first)
    let range = Self.chunk + 5..<3 * Self.chunk
    #expect(
      try context.source.status(of: range, limit: 9) == [
        StatusExtent(lengthBytes: Self.chunk - 5, flags: 1),
        StatusExtent(lengthBytes: Self.chunk, flags: 3),
      ])
    #expect(
      try context.source.status(of: range, limit: 1)
        == [StatusExtent(lengthBytes: Self.chunk - 5, flags: 1)])
  }
}

extension OpenedExport {
  fileprivate func contexts(matching queries: [String]) throws -> [ExportContext] {
    try #require(contexts).contexts(matching: queries)
  }
}
