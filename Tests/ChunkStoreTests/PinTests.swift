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
  private let place: SimulatedStore
  private let revision: RevisionID

  init() throws {
    place = try SimulatedStore()
    revision = try place.backUp("web01", seed: 1)
  }

  private var pin: Pin {
    place.repository.newPin(
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
    let other = try place.store.backUp(TestDisk(chunks: 1, seed: 2), job: "web01")
    let name = try PinName.random()
    #expect(try place.repository.pin(pin, as: name).isPinned)
    // Also seen by another process.
    let another = try TestStore(opening: place.layout.root, environment: place.environment)
      .repository
    #expect(try another.pins().pins.map(\.name) == [name])
    #expect(try another.revisionUsers()[revision]?.first?.contains("overlay repair") == true)
    expectFailure(
      .pinned, saying: "web01", "overlay repair", remedy: .releasePin(name.description)
    ) {
      try another.forget([other, revision])
    }
    #expect(Set(try place.repository.revisions().entries.map(\.id)) == [revision, other])
    #expect(try place.repository.releasePin(name))
    #expect(try !place.repository.releasePin(name))
    try place.repository.forget([revision])
    #expect(try place.repository.revisions().entries.map(\.id) == [other])
  }

  @Test func onlyARevisionThatIsThereIsPinned() throws {
    let pin = pin
    try place.repository.forget([revision])
    expectFailure(.notFound, saying: "\(revision)") {
      try place.repository.pin(pin, as: PinName.random())
    }
    #expect(try place.repository.pins().pins.isEmpty)
  }

  /// A program that knows no pins forgets it all the same: another pin of it can still be made.
  @Test func aKeptRevisionCanBePinnedAgain() throws {
    try place.repository.pin(pin, as: PinName.random())
    try place.fileSystem.createDirectories(
      place.layout.forgotten, permissions: .ownerReadWriteExecute)
    try place.fileSystem.rename(
      place.layout.revision(revision), to: place.layout.forgotten(revision))
    #expect(try place.repository.pin(pin, as: PinName.random()).isPinned)
  }

  @Test(arguments: ["damaged", "a directory"])
  func aPinThatCannotBeReadKeepsEverything(how: String) throws {
    let other = try place.store.backUp(TestDisk(chunks: 1, seed: 2), job: "db01")
    let name = try PinName.random()
    try place.repository.pin(pin, as: name)
    if how == "damaged" {
      try place.fileSystem.writeDurably(
        [1], to: place.layout.pin(name), permissions: .ownerReadWrite)
    } else {
      try place.fileSystem.remove(place.layout.pin(name))
      try place.fileSystem.createDirectory(
        place.layout.pin(name), permissions: .ownerReadWriteExecute)
    }
    #expect(try place.repository.pins().unreadable.map(\.name) == [name])
    for look in [
      { try place.repository.forget([other]) }, { _ = try place.repository.revisionUsers() },
    ] {
      let error = #expect(throws: StoreError.self) { try look() }
      #expect(error?.remedy == .restorePin(name.description))
    }
    #expect(try place.repository.revisions().entries.count == 2)
    #expect(try place.repository.releasePin(name))
    try place.repository.forget([other])
  }

  /// Only files with exactly the name of a pin are pins.
  @Test func otherNamesAreNoPins() throws {
    try place.repository.pin(pin, as: PinName.random())
    for name in ["README", ".tmp-0123", String(repeating: "A", count: 32), "5f"] {
      try place.fileSystem.writeDurably(
        [1], to: place.layout.pins.appending(name), permissions: .ownerReadWrite)
    }
    #expect(try place.repository.soundPins().count == 1)
    #expect(PinName("../\(String(repeating: "0", count: 29))") == nil)
  }

  @Test(arguments: [Errno.readOnlyFileSystem, .permissionDenied, .noSpace, .diskQuotaExceeded])
  func whereNothingCanBeWrittenTheReasonIsGiven(_ errno: Errno) throws {
    place.fileSystem.setFaults { $0.kind.isChange || $0.kind == .lock ? errno : nil }
    guard case .unpinned(let reason) = try place.repository.pin(pin, as: PinName.random()) else {
      Issue.record("it was pinned")
      return
    }
    #expect(reason.contains("/repository/"))
    place.fileSystem.setFaults(nil)
    #expect(try place.repository.pins().pins.isEmpty)
  }

  /// Another failure is one: nobody may take it for a repository that cannot be written to.
  @Test func anotherFailureIsAnError() throws {
    place.fileSystem.setFaults { $0.kind == .rename ? .ioError : nil }
    #expect(throws: StoreError.self) { try place.repository.pin(pin, as: PinName.random()) }
  }

  /// Whoever was told that there is a pin finds it after a power failure, and its revision.
  @Test func aPinSurvivesAPowerFailure() throws {
    let begin = place.fileSystem.operationCount
    let name = try PinName.random()
    try place.repository.pin(pin, as: name)
    let end = place.fileSystem.operationCount
    for count in begin...end {
      for seed in 0..<4 as Range<UInt64> {
        var random = SeededRandom(seed: seed)
        let crashed = place.fileSystem.afterPowerFailure(at: count, using: &random)
        let objects = SmallObjects(
          storage: LocalObjects(root: place.layout.root, fileSystem: crashed),
          repository: place.repository.configuration.id, keys: place.repository.keys)
        let listing = try PinObjects(objects: objects).list()
        #expect(listing.unreadable.isEmpty, "\(count)")
        #expect(listing.pins.map(\.name) == [name] || count < end, "\(count)")
        #expect(try crashed.exists(place.layout.revision(revision)), "\(count)")
      }
    }
  }

  @Test func theOriginTellsACopy() throws {
    var pin = pin
    #expect(place.repository.origin(of: pin, context: .testing()) == .here)
    pin.repositoryPath = Array("/elsewhere".utf8)
    #expect(place.repository.origin(of: pin, context: .testing()) == .otherPath)
    pin.machine = "another"
    #expect(place.repository.origin(of: pin, context: .testing()) == .otherMachine)
    // Without an identifier the name has to do.
    pin.machine = ""
    #expect(place.repository.origin(of: pin, context: .testing()) == .otherPath)
    pin.host += "2"
    #expect(place.repository.origin(of: pin, context: .testing()) == .otherMachine)
  }
}
