import ChunkFormat
import FileIO
import LocalObjects
import Remedies
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Pins, which keep revisions for something outside the repository.
@Suite struct PinTests {
  private let fileSystem = SimulatedFileSystem()
  private let index: TemporaryDirectory
  private let layout = RepositoryLayout(root: "/repository")
  private let environment: RepositoryEnvironment
  private let store: TestStore
  private let revision: RevisionID

  init() throws {
    index = try TemporaryDirectory(inMemory: true)
    environment = TestStore.environment(on: fileSystem, index: index.path)
    store = try TestStore(creating: layout.root, encrypted: true, environment: environment)
    revision = try store.backUp(TestDisk(chunks: 1, seed: 1), job: "web01")
  }

  private var repository: Repository { store.repository }

  private var pin: Pin {
    repository.newPin(
      of: revision, job: "web01", for: "overlay repair", at: "/overlays/repair",
      context: .testing())
  }

  private func expectFailure(
    _ code: StoreError.Code, saying words: String..., remedy: Remedy? = nil, body: () throws -> Void
  ) {
    let error = #expect(throws: StoreError.self) { try body() }
    #expect(error?.code == code && error?.remedy == remedy)
    for word in words {
      #expect(error?.message.contains(word) == true, "\(error.map { "\($0)" } ?? "")")
    }
  }

  @Test func aPinnedRevisionIsNotForgotten() throws {
    let other = try store.backUp(TestDisk(chunks: 1, seed: 2), job: "web01")
    let name = try PinName.random()
    #expect(try repository.pin(pin, as: name).isPinned)
    // Also seen by another process.
    let another = try TestStore(opening: layout.root, environment: environment).repository
    #expect(try another.pins().pins.map(\.name) == [name])
    #expect(try another.revisionUsers()[revision]?.first?.contains("overlay repair") == true)
    expectFailure(
      .pinned, saying: "web01", "overlay repair", remedy: .releasePin(name.description)
    ) {
      try another.forget([other, revision])
    }
    #expect(Set(try repository.revisions().entries.map(\.id)) == [revision, other])
    #expect(try repository.releasePin(name))
    #expect(try !repository.releasePin(name))
    try repository.forget([revision])
    #expect(try repository.revisions().entries.map(\.id) == [other])
  }

  @Test func onlyARevisionThatIsThereIsPinned() throws {
    let pin = pin
    try repository.forget([revision])
    expectFailure(.notFound, saying: "\(revision)") {
      try repository.pin(pin, as: PinName.random())
    }
    #expect(try repository.pins().pins.isEmpty)
  }

  /// A program that knows no pins forgets it all the same: another pin of it can still be made.
  @Test func aKeptRevisionCanBePinnedAgain() throws {
    try repository.pin(pin, as: PinName.random())
    try fileSystem.createDirectories(layout.forgotten, permissions: .ownerReadWriteExecute)
    try fileSystem.rename(layout.revision(revision), to: layout.forgotten(revision))
    #expect(try repository.pin(pin, as: PinName.random()).isPinned)
  }

  @Test(arguments: ["damaged", "a directory"])
  func aPinThatCannotBeReadKeepsEverything(how: String) throws {
    let other = try store.backUp(TestDisk(chunks: 1, seed: 2), job: "db01")
    let name = try PinName.random()
    try repository.pin(pin, as: name)
    if how == "damaged" {
      try fileSystem.writeDurably([1], to: layout.pin(name), permissions: .ownerReadWrite)
    } else {
      try fileSystem.remove(layout.pin(name))
      try fileSystem.createDirectory(layout.pin(name), permissions: .ownerReadWriteExecute)
    }
    #expect(try repository.pins().unreadable.map(\.name) == [name])
    for look in [
      { try repository.forget([other]) }, { _ = try repository.revisionUsers() },
    ] {
      let error = #expect(throws: StoreError.self) { try look() }
      #expect(error?.remedy == .restorePin(name.description))
    }
    #expect(try repository.revisions().entries.count == 2)
    #expect(try repository.releasePin(name))
    try repository.forget([other])
  }

  /// Only files with exactly the name of a pin are pins.
  @Test func otherNamesAreNoPins() throws {
    try repository.pin(pin, as: PinName.random())
    for name in ["README", ".tmp-0123", String(repeating: "A", count: 32), "5f"] {
      try fileSystem.writeDurably(
        [1], to: layout.pins.appending(name), permissions: .ownerReadWrite)
    }
    #expect(try repository.soundPins().count == 1)
    #expect(PinName("../\(String(repeating: "0", count: 29))") == nil)
  }

  @Test(arguments: [Errno.readOnlyFileSystem, .permissionDenied, .noSpace, .diskQuotaExceeded])
  func whereNothingCanBeWrittenTheReasonIsGiven(_ errno: Errno) throws {
    fileSystem.setFaults { $0.kind.isChange || $0.kind == .lock ? errno : nil }
    guard case .unpinned(let reason) = try repository.pin(pin, as: PinName.random()) else {
      Issue.record("it was pinned")
      return
    }
    #expect(reason.contains("/repository/"))
    fileSystem.setFaults(nil)
    #expect(try repository.pins().pins.isEmpty)
  }

  /// Another failure is one: nobody may take it for a repository that cannot be written to.
  @Test func anotherFailureIsAnError() throws {
    fileSystem.setFaults { $0.kind == .rename ? .ioError : nil }
    #expect(throws: StoreError.self) { try repository.pin(pin, as: PinName.random()) }
  }

  /// Whoever was told that there is a pin finds it after a power failure, and its revision.
  @Test func aPinSurvivesAPowerFailure() throws {
    let begin = fileSystem.operationCount
    let name = try PinName.random()
    try repository.pin(pin, as: name)
    let end = fileSystem.operationCount
    for count in begin...end {
      for seed in 0..<4 as Range<UInt64> {
        var random = SeededRandom(seed: seed)
        let crashed = fileSystem.afterPowerFailure(at: count, using: &random)
        let objects = SmallObjects(
          storage: LocalObjects(root: layout.root, fileSystem: crashed),
          repository: repository.configuration.id, keys: repository.keys)
        let listing = try PinObjects(objects: objects).list()
        #expect(listing.unreadable.isEmpty, "\(count)")
        #expect(listing.pins.map(\.name) == [name] || count < end, "\(count)")
        #expect(try crashed.exists(layout.revision(revision)), "\(count)")
      }
    }
  }

  @Test func theOriginTellsACopy() throws {
    var pin = pin
    #expect(repository.origin(of: pin, context: .testing()) == .here)
    pin.repositoryPath = Array("/elsewhere".utf8)
    #expect(repository.origin(of: pin, context: .testing()) == .otherPath)
    pin.machine = "another"
    #expect(repository.origin(of: pin, context: .testing()) == .otherMachine)
    // Without an identifier the name has to do.
    pin.machine = ""
    #expect(repository.origin(of: pin, context: .testing()) == .otherPath)
    pin.host += "2"
    #expect(repository.origin(of: pin, context: .testing()) == .otherMachine)
  }
}
