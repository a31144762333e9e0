import CalendarTime
import ChunkFormat
import ChunkStore
import FileIO
import Exports
import LocalObjects
import NBDTestSupport
import NBDServer
import NIOCore
import Overlays
import Synchronization
import SystemPackage
import TestSupport
import Testing
import VolumeMap
import VolumeReader

/// A repository with one revision of empty disks, `db01`, and directories for overlays.
private final class OverlaySite: Sendable {
  let directory: TemporaryDirectory
  let repository: Repository
  let entry: RevisionEntry
  let environment = RepositoryEnvironment(storage: LocalObjects.opener())
  let volumes: [String]

  init(volumes: [String] = ["vda"]) throws {
    self.volumes = volumes
    directory = try TemporaryDirectory(inMemory: true)
    repository = try Repository.create(
      at: directory.appending("repository"), settings: RepositorySettings(), firstKey: nil,
      environment: environment, context: .testing())
    entry = try repository.revision(
      try repository.commit(
        Revision(
          job: "db01", created: 1, finished: 2, parent: nil, tags: ["nightly"],
          volumes: volumes.map {
            RevisionVolume(
              name: $0, sizeBytes: 1 << 20, root: .hole, source: "",
              statistics: VolumeStatistics())
          }, attachments: [], host: "", program: "")))
  }

  func base() throws -> RevisionCatalog {
    try RevisionCatalog(repository: repository, context: .testing())
  }

  func store() throws -> OverlayStore {
    try OverlayStore(
      in: directory.appending("overlays"), of: repository, context: .testing())
  }

  func temporary(on fileSystem: any FileSystem = POSIXFileSystem()) throws -> TemporaryOverlays {
    try TemporaryOverlays(
      in: directory.appending("temporary"), outside: repository.root, fileSystem: fileSystem)
  }

  func catalog(_ mode: WritableCatalog.Mode) throws -> WritableCatalog {
    WritableCatalog(base: try base(), mode: mode)
  }

  func named(_ name: String = "repair", volume: String? = nil) throws -> WritableCatalog {
    if try !store().contains(name) { try store().create(name, on: entry) }
    return try catalog(.named(try store().open(name), volume: volume))
  }
}

extension RunningServer {
  /// Returns a client in the transmission phase of `export`, and the flags of the export.
  fileprivate func enter(export: String) throws -> (client: RawClient, flags: UInt16) {
    let client = try greet()
    client.send(Handshake.choose(7, export))
    let reply = try client.receive(20 + 12 + 20)
    return (client, UInt16(reply[30]) << 8 | UInt16(reply[31]))
  }
}

extension RawClient {
  fileprivate func write(_ bytes: [UInt8], at offset: UInt64, flags: UInt16 = 0) throws {
    send(
      Transmission.request(
        1, flags: flags, cookie: 1, offset: offset, length: UInt32(bytes.count)) + bytes)
    try expect(Transmission.simpleReply(cookie: 1))
  }

  fileprivate func flush() throws {
    send(Transmission.request(3, cookie: 2))
    try expect(Transmission.simpleReply(cookie: 2))
  }

  fileprivate func read(_ count: Int, at offset: UInt64) throws -> [UInt8] {
    send(Transmission.request(0, cookie: 3, offset: offset, length: UInt32(count)))
    try expect(Transmission.simpleReply(cookie: 3))
    return try receive(count)
  }
}

@Suite("Exports over overlays")
struct OverlayExportTests {
  private static let multipleConnections: UInt16 = 1 << 8
  private static let readOnly: UInt16 = 1 << 1
  private static let writing: UInt16 = 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6

  @Test("a private overlay belongs to one connection and is removed with it")
  func privateOverlays() throws {
    let site = try OverlaySite()
    let server = try RunningServer(site.catalog(.privateOverlays(site.temporary())))
    do {
      let (first, flags) = try server.enter(export: "db01@latest")
      #expect(flags & (Self.readOnly | Self.multipleConnections) == 0)
      #expect(flags & Self.writing == Self.writing)
      let (second, _) = try server.enter(export: "db01@latest")
      try first.write([1, 2, 3], at: 4095)
      try first.flush()
      #expect(try first.read(5, at: 4094) == [0, 1, 2, 3, 0])
      #expect(try second.read(5, at: 4094) == [0, 0, 0, 0, 0])
      #expect(try site.directory.names() == ["repository", "temporary"])
      #expect(
        try POSIXFileSystem().list(site.directory.appending("temporary")).isEmpty,
        "its files have no names")
    }
    let (later, _) = try server.enter(export: "db01@latest")
    #expect(try later.read(3, at: 4095) == [0, 0, 0])
  }

  @Test("all connections of a catalogue share its overlay")
  func sharedOverlays() throws {
    let site = try OverlaySite()
    let server = try RunningServer(site.catalog(.sharedOverlays(site.temporary())))
    let (first, flags) = try server.enter(export: "db01@latest")
    #expect(flags & Self.multipleConnections != 0)
    try first.write([7], at: 5)
    first.halfClose()
    #expect(eventually { server.server.connections.isEmpty })
    let (second, _) = try server.enter(export: "\(site.entry.id)")
    #expect(try second.read(1, at: 5) == [7])
  }

  @Test("a named overlay is shared, kept, and used again by the next server")
  func named() throws {
    let site = try OverlaySite()
    do {
      let catalog = try site.named()
      let server = try RunningServer(catalog)
      let (first, flags) = try server.enter(export: "db01@latest")
      #expect(flags & Self.multipleConnections != 0)
      let (second, _) = try server.enter(export: "")
      try first.write([1, 2, 3], at: 70_000)
      #expect(try second.read(3, at: 70_000) == [1, 2, 3])
      try second.write([9], at: 70_001)
      // No flush: a server that is stopped in good order loses nothing.
      server.stop()
      try catalog.close()
    }
    let server = try RunningServer(site.named())
    let (client, _) = try server.enter(export: "db01@latest")
    #expect(try client.read(3, at: 70_000) == [1, 9, 3])
    let plain = try RunningServer(site.base())
    let (reader, flags) = try plain.enter(export: "db01@latest")
    #expect(flags & Self.readOnly != 0)
    #expect(try reader.read(3, at: 70_000) == [0, 0, 0], "the revision is what it was")
  }

  @Test("flushed and written-through data survives the server")
  func flushed() throws {
    let site = try OverlaySite()
    let server = try RunningServer(site.named())
    let (client, _) = try server.enter(export: "")
    try client.write([1], at: 0)
    try client.flush()
    try client.write([2], at: 8192, flags: 1)
    try client.write([3], at: 16_384)
    let copy = site.directory.appending("copy")
    try Command.run("cp", "-a", site.directory.appending("overlays").string, copy.string)
    let found = try OverlayStore(in: copy, of: site.repository, context: .testing())
      .open("repair")
    let volume = try OverlaidVolume(base: EmptyVolume(), overlay: found.volume("vda"))
    #expect(try volume.content(of: 0..<1) == [.data(ByteBuffer(bytes: [1]))])
    #expect(try volume.content(of: 8192..<8193) == [.data(ByteBuffer(bytes: [2]))])
    // These writes were not flushed. They may be present or absent, but must not read as zeros in a
    // block that counts as data.
    let rest = try volume.content(of: 16_384..<16_385)
    #expect(rest == [.hole(lengthBytes: 1)] || rest == [.data(ByteBuffer(bytes: [3]))])
  }

  @Test("only the overlay's revision is exported, by any name that selects it")
  func names() throws {
    let site = try OverlaySite(volumes: ["vda", "vdb"])
    let catalog = try site.named()
    let id = site.entry.id.description
    for name in [
      "db01@latest/vda", "db01/vda", "db01@first/vda", "db01@0/vda", "\(id)/vda",
      "db01@\(id.prefix(8))/vda", "db01@tag:nightly/vda",
    ] {
      let export = try #require(try catalog.open(name))
      #expect(export.canonicalName == "db01@\(id)/vda")
      #expect(export.description.hasPrefix("overlay repair on "))
      export.close()
    }
    // A newer revision does not change the meaning of the names.
    var newer = site.entry.revision
    newer.created = newer.created + .seconds(1)
    _ = try site.repository.commit(newer)
    try #require(try catalog.open("db01@latest/vda")).close()
    for name in ["", "db01@latest", "db01@1/vda", "web01@latest/vda", "db01@latest/vdc", "/"] {
      #expect(throws: NoSuchExport.self) { try catalog.open(name) }
    }
    #expect(
      try catalog.list().map(\.name) == [
        "db01@\(id.prefix(16))/vda", "db01@\(id.prefix(16))/vdb",
      ])
    #expect(try catalog.defaultExportName() == nil)
  }

  @Test("a single volume of the overlay's revision can be exported")
  func oneVolume() throws {
    let site = try OverlaySite(volumes: ["vda", "vdb"])
    let catalog = try site.named(volume: "vdb")
    #expect(try catalog.defaultExportName()?.contains("@") == true)
    for name in ["", "db01@latest", "db01@latest/vdb"] {
      let export = try #require(try catalog.open(name))
      #expect(export.canonicalName == "db01@\(site.entry.id)/vdb")
      export.close()
    }
    #expect(throws: NoSuchExport.self) { try catalog.open("db01@latest/vda") }
    #expect(try catalog.list().map(\.name).allSatisfy { $0.hasSuffix("/vdb") })
  }

  @Test("a full file system is ENOSPC, a broken one EIO; both are logged")
  func errors() throws {
    let site = try OverlaySite()
    let fileSystem = SimulatedFileSystem()
    let overlays = try site.temporary(on: fileSystem)
    let server = try RunningServer(site.catalog(.privateOverlays(overlays)))
    let (client, _) = try server.enter(export: "db01")
    for (failure, number) in [(Errno.noSpace, 28), (.ioError, 5)] as [(Errno, UInt32)] {
      fileSystem.setFaults { $0.kind == .write ? failure : nil }
      client.send(Transmission.request(1, cookie: 1, length: 1) + [1])
      try client.expect(Transmission.simpleReply(cookie: 1, error: number))
    }
    fileSystem.setFaults(nil)
    #expect(try client.read(1, at: 0) == [0])
    try client.write([1], at: 0)
    #expect(try client.read(1, at: 0) == [1])
    for words in ["ENOSPC", "EIO"] {
      #expect(server.log.all.contains { $0.contains(words) }, "\(server.log.all)")
    }
  }
}

private final class EmptyVolume: ReadableVolume {
  let sizeBytes: UInt64 = 1 << 20

  func cachedContent(of range: Range<UInt64>) -> [VolumePiece]? { content(of: range) }

  func content(of range: Range<UInt64>) -> [VolumePiece] {
    [.hole(lengthBytes: UInt64(range.count))]
  }

  func allocation(of range: Range<UInt64>, limit: Int) -> [AllocationExtent] {
    [
      AllocationExtent(
        offsetBytes: range.lowerBound, lengthBytes: UInt64(range.count), isHole: true)
    ]
  }
}
