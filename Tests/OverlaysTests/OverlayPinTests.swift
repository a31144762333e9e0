import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import LocalObjects
import SystemPackage
import TestSupport
import Testing

@testable import Overlays

/// The pin that keeps an overlay's revision.
@Suite("Overlays and pins")
struct OverlayPinTests {
  private let place: Workplace
  private let entry: RevisionEntry
  private let bytes = [UInt8](repeating: 7, count: 100_000)

  init() throws {
    place = try Workplace(inMemory: true)
    entry = try place.backUp(("vda", bytes))
  }

  private var repository: Repository { place.repository }

  private var directory: FilePath {
    place.overlays.appending("\(repository.configuration.id)").appending("repair")
  }

  private func pins() throws -> [StoredPin] { try repository.pins().pins }

  @Test("an overlay pins its revision until it is removed")
  func pinned() throws {
    let store = try place.store()
    try store.create("repair", on: entry)
    let pin = try #require(try pins().first)
    #expect(pin.pin.revision == entry.id)
    #expect(pin.pin.owner == "overlay repair")
    #expect(pin.pin.ownerPath == Array(directory.string.utf8))
    #expect(throws: StoreError.self) { try repository.forget([entry.id]) }
    let overlay = try store.open("repair")
    #expect(overlay.pinning.isPinned)
    try overlay.close()
    #expect(try pins().map(\.name) == [pin.name], "it is made once")
    #expect(try store.remove("repair") == nil)
    #expect(try pins().isEmpty)
    try repository.forget([entry.id])
  }

  @Test("an overlay of an earlier version is pinned when it is opened")
  func earlierVersion() throws {
    let store = try place.store()
    try store.create("repair", on: entry)
    // Changes the description to version 1 without a pin.
    var description = try store.list()[0].description.get()
    #expect(try repository.releasePin(try #require(description.pin)))
    description.pin = nil
    try OverlayFiles(directory: directory, fileSystem: POSIXFileSystem()).write(description)
    let overlay = try store.open("repair")
    #expect(overlay.pinning.isPinned)
    #expect(try pins().map(\.name) == [overlay.description.pin])
    try overlay.close()
    #expect(try store.list()[0].description.get().pin == pins().first?.name)
  }

  @Test("a lost or damaged pin is created again", arguments: [true, false])
  func madeAgain(isDamaged: Bool) throws {
    let store = try place.store()
    try store.create("repair", on: entry)
    let name = try #require(try pins().first?.name)
    let file = repository.root.appending("pins/\(name)")
    if isDamaged {
      try POSIXFileSystem().writeDurably([1], to: file, permissions: .ownerReadWrite)
    } else {
      try POSIXFileSystem().remove(file)
    }
    #expect(try store.open("repair").pinning.isPinned)
    #expect(try pins().map(\.name) == [name])
  }

  @Test("a pin has the current locations of the overlay and the repository")
  func moved() throws {
    try place.store().create("repair", on: entry)
    let elsewhere = place.directory.appending("elsewhere")
    try POSIXFileSystem().rename(place.overlays, to: elsewhere)
    let store = try OverlayStore(
      in: elsewhere, of: repository, context: .testing())
    let pin = try #require(try pins().first)
    guard case .present = try store.ownerState(of: pin) else {
      Issue.record("the overlay is not found in the directory that is asked for")
      return
    }
    guard case .gone = try place.store().ownerState(of: pin) else {
      Issue.record("there is no overlay where the pin says")
      return
    }
    try store.open("repair").close()
    guard case .present = try place.store().ownerState(of: try #require(try pins().first)) else {
      Issue.record("the pin does not say where the overlay is")
      return
    }
  }

  @Test("a revision that a program without pins has forgotten stays usable")
  func forgotten() throws {
    let store = try place.store()
    try store.create("repair", on: entry)
    let files = POSIXFileSystem()
    let forgotten = repository.root.appending("forgotten")
    try files.createDirectories(forgotten)
    try files.rename(
      repository.root.appending("revisions/\(entry.id)"),
      to: forgotten.appending("\(entry.id)"))
    let overlay = try store.open("repair")
    let volume = try place.volume("vda", of: overlay)
    try volume.write([1], at: 0)
    #expect(try volume.bytes() == [1] + bytes.dropFirst())
    let committed = try place.run(try overlay.commitRequest(job: nil, program: "test"))
    #expect(committed.revision.parent == nil)
    #expect(try place.bytes(of: "vda", in: committed) == [1] + bytes.dropFirst())
    try store.remove(overlay)
    #expect(try pins().isEmpty)
  }

  @Test("in a read-only repository, an overlay reports that it is not pinned")
  func readOnly() throws {
    let store = try OverlayStore(
      in: place.overlays, of: try readOnlyRepository(), context: .testing())
    try store.create("repair", on: entry)
    let overlay = try store.open("repair")
    guard case .unpinned(let reason) = overlay.pinning else {
      Issue.record("it is pinned")
      return
    }
    #expect(reason.contains("Read-only file system"))
    try overlay.close()
    #expect(try pins().isEmpty)
    // The next time, the repository is writable.
    #expect(try place.store().open("repair").pinning.isPinned)
    // A pin that could not be released is returned.
    #expect(try store.remove("repair")?.name == pins().first?.name)
  }

  /// Returns the repository on a file system that is mounted read-only.
  private func readOnlyRepository() throws -> Repository {
    var environment = place.environment
    environment.storage = LocalObjects.opener(on: ReadOnlyRepositories())
    environment.indexDirectory = place.directory.appending("another-index")
    return try Repository.open(at: repository.root, environment: environment) {
      throw StoreError(.wrongKey, "it is not encrypted")
    }
  }

  @Test("an overlay always has its pin, even after an interrupted removal")
  func removalAndCrashes() throws {
    let fileSystem = SimulatedFileSystem()
    try fileSystem.createDirectory("/overlays", permissions: .ownerReadWriteExecute)
    try fileSystem.synchronizeDirectory("/")
    let index = try TemporaryDirectory(inMemory: true)
    var environment = RepositoryEnvironment(storage: LocalObjects.opener(on: fileSystem))
    environment.indexDirectory = index.path
    let repository = try Repository.create(
      at: "/repository", settings: RepositorySettings(), firstKey: nil, environment: environment,
      context: .testing())
    let id = try repository.commit(entry.revision)
    let store = try OverlayStore(
      in: "/overlays", of: repository, context: .testing(), fileSystem: fileSystem)
    try store.create("repair", on: try repository.revision(id))
    let begin = fileSystem.operationCount
    try store.remove("repair")
    for count in begin...fileSystem.operationCount {
      var random = SeededRandom(seed: UInt64(count))
      var environment = environment
      let fileSystem = fileSystem.afterPowerFailure(at: count, using: &random)
      environment.storage = LocalObjects.opener(on: fileSystem)
      environment.indexDirectory = index.appending("index-\(count)")
      let repository = try Repository.open(at: "/repository", environment: environment) {
        throw StoreError(.wrongKey, "it is not encrypted")
      }
      let store = try OverlayStore(
        in: "/overlays", of: repository, context: .testing(), fileSystem: fileSystem)
      let pins = try repository.pins().pins
      if let listing = try store.list().first {
        #expect(try pins.map(\.name) == [listing.description.get().pin], "\(count)")
        continue
      }
      for pin in pins {
        guard case .gone = try store.ownerState(of: pin) else {
          Issue.record("the pin that is left after \(count) operations does not show as stale")
          continue
        }
      }
      // The next overlay removes the leftovers, including the pin.
      try store.create("another", on: try repository.revision(id))
      #expect(try repository.pins().pins.map(\.pin.owner) == ["overlay another"], "\(count)")
    }
  }
}

/// A file system that changes nothing in a directory called `repository`.
private struct ReadOnlyRepositories: ForwardingFileSystem {
  let base = POSIXFileSystem()

  private func check(_ path: FilePath) throws(FileError) {
    guard path.string.contains("/repository/") else { return }
    throw FileError(operation: "change", path: path, errno: .readOnlyFileSystem)
  }

  func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    try check(path)
    return try base.createFile(path, permissions: permissions)
  }

  func openFile(_ path: FilePath, for access: FileAccess) throws(FileError) -> any OpenFile {
    if access == .readingAndWriting { try check(path) }
    return try base.openFile(path, for: access)
  }

  func createDirectory(_ path: FilePath, permissions: FilePermissions) throws(FileError) {
    try check(path)
    try base.createDirectory(path, permissions: permissions)
  }

  func rename(_ source: FilePath, to destination: FilePath) throws(FileError) {
    try check(source)
    try base.rename(source, to: destination)
  }

  func remove(_ path: FilePath) throws(FileError) {
    try check(path)
    try base.remove(path)
  }
}
