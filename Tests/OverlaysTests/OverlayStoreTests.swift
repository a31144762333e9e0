import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import LocalObjects
import Remedies
import SystemPackage
import TestSupport
import Testing

@testable import Overlays

@Suite("Named overlays")
struct OverlayStoreTests {
  private let place: Workplace
  private let entry: RevisionEntry
  private let bytes: [UInt8]

  init() throws {
    place = try Workplace(inMemory: true)
    var random = SeededRandom(seed: 2)
    bytes = MemoryVolume.content(count: 300_001, using: &random)
    entry = try place.backUp(("vda", bytes), ("vdb", [1, 2, 3]))
  }

  private func made(_ name: String = "repair") throws -> NamedOverlay {
    let store = try place.store()
    try store.create(name, on: entry)
    return try store.open(name)
  }

  private func files(_ name: String) -> FilePath {
    place.overlays.appending("\(place.repository.configuration.id)").appending(name)
  }

  private func expect(
    _ code: OverlayError.Code, saying words: String..., remedy: Remedy? = nil,
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    let error = #expect(throws: OverlayError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.code == code, sourceLocation: sourceLocation)
    if let remedy { #expect(error?.remedy == remedy, sourceLocation: sourceLocation) }
    for word in words {
      #expect(
        error?.description.contains(word) == true, "\(error.map { "\($0)" } ?? "")",
        sourceLocation: sourceLocation)
    }
  }

  @Test("written data is there when the overlay is opened again, in every volume")
  func reopened() throws {
    let before = try place.repositoryContent()
    do {
      let overlay = try made()
      try place.volume("vda", of: overlay).write([9, 9], at: 4095)
      try place.volume("vdb", of: overlay).write([7], at: 1)
      try overlay.close()
    }
    let overlay = try place.store().open("repair")
    var expected = bytes
    expected.replaceSubrange(4095..<4097, with: [9, 9])
    #expect(try place.volume("vda", of: overlay).bytes() == expected)
    #expect(try place.volume("vdb", of: overlay).bytes() == [1, 7, 3])
    #expect(try overlay.volume("vda") === overlay.volume("vda"), "all connections share it")
    #expect(try place.bytes(of: "vda", in: entry) == bytes, "the revision stays what it is")
    #expect(try place.repositoryContent() == before, "nothing was written to the repository")
  }

  @Test("only its owner can read an overlay")
  func permissions() throws {
    let overlay = try made()
    try place.volume("vda", of: overlay).write([1], at: 0)
    let modes = try Command.run("find", files("repair").string, "-printf", "%m ")
    #expect(Set(modes.split(separator: " ")) == ["700", "600"])
    withExtendedLifetime(overlay) {}
  }

  @Test("only one process can have an overlay open, and no other can remove it then")
  func lock() throws {
    let store = try place.store()
    let overlay = try made()
    expect(.inUse, saying: "'repair'", "another process") { _ = try store.open("repair") }
    expect(.inUse) { try store.remove("repair") }
    #expect(try store.list().map(\.isInUse) == [true])
    try overlay.close()
    try overlay.close()
    #expect(try store.list().map(\.isInUse) == [false])
    try store.open("repair").close()
    try store.remove("repair")
    #expect(try store.list().isEmpty)
    expect(.notFound, saying: "'repair'") { _ = try store.open("repair") }
    expect(.notFound) { try store.remove("repair") }
  }

  @Test("the list has all overlays and their space")
  func list() throws {
    let store = try place.store()
    #expect(try store.list().isEmpty)
    #expect(try !POSIXFileSystem().list(place.directory.path).map(\.name).contains("overlays"))
    try store.create("b", on: entry)
    let overlay = try made("a")
    try place.volume("vda", of: overlay).write([UInt8](repeating: 1, count: 100_000), at: 0)
    let listings = try store.list()
    #expect(listings.map(\.name) == ["a", "b"])
    #expect(listings[0].allocatedBytes > listings[1].allocatedBytes + 100_000)
    let description = try listings[1].description.get()
    #expect(description.revision == entry.id)
    #expect(description.job == "web01")
    #expect(description.volumes.map(\.name) == ["vda", "vdb"])
    #expect(description.sizeBytes == 300_004)
  }

  @Test("invalid and used names are refused")
  func names() throws {
    let store = try place.store()
    for name in ["", ".hidden", "a/b", "../out", "a b", "-x"] {
      expect(.invalidRequest, saying: "'\(name)'") { try store.create(name, on: entry) }
      expect(.notFound) { _ = try store.open(name) }
      expect(.notFound) { try store.remove(name) }
    }
    try store.create("x", on: entry)
    expect(.invalidRequest, saying: "already an overlay 'x'") { try store.create("x", on: entry) }
  }

  @Test("an open overlay pins its revision, and reports a missing one")
  func revisionGone() throws {
    let overlay = try made()
    let sessions = place.repository.root.appending("sessions")
    #expect(try POSIXFileSystem().list(sessions).count == 1)
    try overlay.close()
    #expect(try POSIXFileSystem().list(sessions).isEmpty)
    let path = place.repository.root.appending("revisions").appending("\(entry.id)")
    try POSIXFileSystem().remove(path)
    let store = try place.store()
    expect(.revisionGone, saying: "\(entry.id)", "web01", remedy: .removeOverlay("repair")) {
      _ = try store.open("repair")
    }
    #expect(try POSIXFileSystem().list(sessions).isEmpty)
    #expect(try store.list().first?.description.get().revision == entry.id)
    try store.remove("repair")
  }

  @Test("a directory in the repository is refused, even through links")
  func insideRepository() throws {
    let root = place.repository.root
    let link = place.directory.appending("link")
    try Command.run("ln", "-s", root.appending("packs").string, link.string)
    for path in [
      root, root.appending("overlays/deep"), link, link.appending("x"),
      place.directory.appending("elsewhere/../repository/x"), root.appending("."),
    ] {
      expect(.invalidRequest, saying: "inside the repository", remedy: .chooseOverlayDirectory) {
        _ = try OverlayStore(in: path, of: place.repository, context: .testing())
      }
      expect(.invalidRequest) { _ = try TemporaryOverlays(in: path, outside: root) }
    }
    _ = try OverlayStore(
      in: place.directory.path, of: place.repository, context: .testing())
    _ = try TemporaryOverlays(in: place.directory.appending("new/place"), outside: root)
  }

  @Test("an overlay of another repository is refused")
  func otherRepository() throws {
    try made().close()
    let elsewhere = try Workplace(inMemory: true)
    let other = elsewhere.repository
    let store = try place.store(of: other)
    #expect(try store.list().isEmpty, "it has a directory of its own")
    let stolen = place.overlays.appending("\(other.configuration.id)")
    try Command.run("cp", "-a", files("").string, stolen.string)
    expect(.wrongRepository, saying: "\(place.repository.configuration.id)") {
      _ = try store.open("repair")
    }
    #expect(throws: OverlayError.self) { try store.list()[0].description.get() }
    try store.remove("repair")
  }

  @Test(
    "an error names a damaged or missing file",
    arguments: [
      ("overlay", "sed -i s/vda/vdx/", .damaged, "checksum"),
      ("overlay", "truncate -s 0", .damaged, "varve overlay 1"),
      ("overlay", "rm", .damaged, "found no file"),
      ("overlay", "sed -i 1s/1/2/", .unsupported, "a newer version of varve"),
      ("vda.state", "truncate -s 50", .damaged, "overlay-state"),
      ("vda.state", "truncate -s 5000", .damaged, "8192 bytes, found 5000"),
      ("vda.state", "truncate -s 9000", .damaged, "8192 bytes, found 9000"),
      ("vda.state", "dd conv=notrunc if=/dev/zero bs=4096 count=1 status=none of=", .damaged, ""),
      ("vda.state", "sed -i 1s/1/2/", .unsupported, "a newer version of varve"),
      ("vda.state", "rm", .damaged, "found no file"),
      ("vda.state", "cp ../../../vdb.state", .damaged, "300001 bytes"),
      ("vda.data-0", "rm", .damaged, "found no file"),
    ] as [(String, String, OverlayError.Code, String)])
  func damage(file: String, command: String, code: OverlayError.Code, words: String) throws {
    let overlay = try made()
    try place.volume("vda", of: overlay).write([1], at: 0)
    try overlay.close()
    let path = files("repair").appending(file).string
    let vdb = files("repair").appending("vdb.state").string
    let words = [file, words]
    try Command.run(
      "sh", "-c",
      command.hasPrefix("cp")
        ? "cp \(vdb) \(path)"
        : command.hasSuffix("=") ? command + path : "\(command) \(path)")
    let error = #expect(throws: OverlayError.self) {
      let overlay = try place.store().open("repair")
      _ = try place.volume("vda", of: overlay).bytes()
    }
    #expect(error?.code == code)
    for word in words {
      #expect(error?.description.contains(word) == true, "\(error.map { "\($0)" } ?? "")")
    }
    #expect(try place.store().list().map(\.name) == ["repair"])
    try place.store().remove("repair")
    #expect(try place.store().list().isEmpty)
  }

  @Test("invalid states are an error")
  func damagedStates() throws {
    let overlay = try made()
    try place.volume("vda", of: overlay).write([1], at: 0)
    try overlay.close()
    let file = try POSIXFileSystem().openFile(
      files("repair").appending("vda.state"), for: .readingAndWriting)
    try [UInt8](repeating: 0xff, count: 8).withUnsafeBytes { try file.write($0, at: 4096) }
    expect(.damaged, saying: "vda.state", "offset 4096") {
      _ = try place.volume("vda", of: place.store().open("repair")).bytes()
    }
  }

  @Test("leftovers of interrupted operations are removed and never listed")
  func unfinished() throws {
    try made().close()
    let left = files(".tmp-0123456789abcdef")
    try POSIXFileSystem().createDirectory(left, permissions: .ownerReadWriteExecute)
    #expect(try place.store().list().map(\.name) == ["repair"])
    try place.store().create("another", on: entry)
    #expect(throws: FileError.self) { try POSIXFileSystem().metadata(of: left) }
  }
}

@Suite("Creating overlays and crashes")
struct OverlayCreationCrashTests {
  /// After a power failure at any moment, the overlay is either complete or does not exist.
  @Test func creation() throws {
    let fileSystem = SimulatedFileSystem()
    try fileSystem.createDirectory("/overlays", permissions: .ownerReadWriteExecute)
    try fileSystem.synchronizeDirectory("/")
    let index = try TemporaryDirectory(inMemory: true)
    var environment = RepositoryEnvironment(storage: LocalObjects.opener(on: fileSystem))
    environment.indexDirectory = index.path
    let repository = try Repository.create(
      at: "/repository", settings: RepositorySettings(), firstKey: nil, environment: environment,
      context: .testing())
    let revision = Revision(
      job: "web01", created: 1, finished: 1, parent: nil, tags: [],
      volumes: [
        RevisionVolume(
          name: "vda", sizeBytes: 10_000, root: .hole, source: "", statistics: VolumeStatistics())
      ], attachments: [], host: "", program: "")
    let entry = try repository.revision(try repository.commit(revision))
    let begin = fileSystem.operationCount
    let store = try OverlayStore(
      in: "/overlays", of: repository, context: .testing(), fileSystem: fileSystem)
    try store.create("repair", on: entry)
    for count in begin...fileSystem.operationCount {
      var random = SeededRandom(seed: UInt64(count))
      let crashed = fileSystem.afterPowerFailure(at: count, using: &random)
      var environment = environment
      environment.storage = LocalObjects.opener(on: crashed)
      environment.indexDirectory = index.appending("index-\(count)")
      let repository = try Repository.open(at: "/repository", environment: environment) {
        .passphrase(SecretBytes(copying: UnsafeRawBufferPointer(start: nil, count: 0)))
      }
      let store = try OverlayStore(
        in: "/overlays", of: repository, context: .testing(), fileSystem: crashed)
      let names = try store.list().map { listing in
        _ = try listing.description.get()
        return listing.name
      }
      #expect(names == ["repair"] || names == [] && count < fileSystem.operationCount, "\(count)")
      let pins = try repository.pins().pins.map(\.name)
      let pin = try store.list().first?.description.get().pin
      #expect(pin.map(pins.contains) ?? true, "an overlay without its pin at \(count)")
      if names == [] { try store.create("repair", on: entry) }
      let overlay = try store.open("repair")
      _ = try overlay.volume("vda")
    }
  }
}
