import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Making and opening repositories, their keys and their sessions.
@Suite struct RepositoryTests {
  private let fileSystem = SimulatedFileSystem()
  private let index: TemporaryDirectory
  private let layout = RepositoryLayout(root: "/repository")
  private let environment: RepositoryEnvironment

  init() throws {
    index = try TemporaryDirectory(inMemory: true)
    environment = TestStore.environment(on: fileSystem, index: index.path)
  }

  private func make(encrypted: Bool = true) throws -> TestStore {
    try TestStore(creating: layout.root, encrypted: encrypted, environment: environment)
  }

  private func secret(_ text: String) -> UnlockSecret {
    .passphrase(Array(text.utf8).withUnsafeBytes { SecretBytes(copying: $0) })
  }

  private func open(with secret: UnlockSecret) throws -> Repository {
    try Repository.open(at: layout.root, environment: environment) { secret }
  }

  private func expectFailure(_ code: StoreError.Code, _ body: () throws -> Void) {
    let error = #expect(throws: StoreError.self) { try body() }
    #expect(error?.code == code)
  }

  // MARK: - Making

  @Test func refusesWhatIsInUse() throws {
    try fileSystem.createDirectories(layout.root)
    try fileSystem.writeDurably(
      [1], to: layout.root.appending("photo.jpg"), permissions: .ownerReadWrite)
    expectFailure(.alreadyExists) { _ = try make() }
    try fileSystem.remove(layout.root.appending("photo.jpg"))
    _ = try make()
    expectFailure(.alreadyExists) { _ = try make() }
  }

  @Test func aFileOrAForbiddenPlaceIsAnError() throws {
    try fileSystem.writeDurably([1], to: layout.root, permissions: .ownerReadWrite)
    expectFailure(.fileSystem) { _ = try make() }
    try fileSystem.remove(layout.root)
    fileSystem.setFaults { $0.kind == .createDirectory ? .permissionDenied : nil }
    expectFailure(.fileSystem) { _ = try make() }
  }

  @Test func noRepositoryIsAnErrorOfItsOwn() throws {
    expectFailure(.notARepository) { _ = try open(with: TestStore.secret) }
    try fileSystem.createDirectories(layout.root)
    expectFailure(.notARepository) { _ = try open(with: TestStore.secret) }
  }

  /// A repository whose configuration was lost can be saved with a copy of it; not so once its keys
  /// are replaced.
  @Test func aRepositoryWithoutItsConfigurationIsNotMadeAnew() throws {
    let store = try make()
    let id = try store.backUp(TestDisk(chunks: 1, seed: 1), job: "a")
    let bytes = try fileSystem.readAll(layout.configuration, limitBytes: 1 << 16)
    try fileSystem.remove(layout.configuration)
    expectFailure(.alreadyExists) { _ = try make() }
    try fileSystem.writeDurably(bytes, to: layout.configuration, permissions: .ownerReadWrite)
    _ = try TestStore(opening: layout.root, environment: environment).disk(of: id)
  }

  @Test func ofManyWhoMakeTheSameRepositoryOneDoes() throws {
    let (layout, environment) = (layout, environment)
    try fileSystem.createDirectories(layout.root)
    try? concurrently(4) { _ in
      _ = try TestStore(creating: layout.root, encrypted: true, environment: environment)
    }
    let repository = try open(with: TestStore.secret)
    #expect(try repository.keySlots().count == 1)
  }

  // MARK: - Configuration

  @Test func aChangedConfigurationIsRefused() throws {
    _ = try make()
    let bytes = try fileSystem.readAll(layout.configuration, limitBytes: 1 << 16)
    for offset in bytes.indices {
      var changed = bytes
      changed[offset] ^= 4
      try fileSystem.writeDurably(changed, to: layout.configuration, permissions: .ownerReadWrite)
      #expect(throws: (any Error).self, "byte \(offset)") {
        _ = try open(with: TestStore.secret)
      }
    }
  }

  @Test func aConfigurationOfALaterVersionIsRefusedByName() throws {
    _ = try make()
    var bytes = try fileSystem.readAll(layout.configuration, limitBytes: 1 << 16)
    bytes[8] = 9
    try fileSystem.writeDurably(bytes, to: layout.configuration, permissions: .ownerReadWrite)
    let error = #expect(throws: StoreError.self) { _ = try open(with: TestStore.secret) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("9") == true)
  }

  /// Whoever can write to the disk puts a configuration there that says "not encrypted".
  @Test func encryptionCannotBeTurnedOff() throws {
    let store = try make()
    let configuration = store.repository.configuration
    let plain = try RepositoryConfiguration(
      id: configuration.id, chunkSizeBytes: configuration.chunkSizeBytes, isEncrypted: false,
      compression: configuration.compression, created: configuration.created)
    try fileSystem.writeDurably(
      plain.encoded(keys: nil), to: layout.configuration, permissions: .ownerReadWrite)
    expectFailure(.damaged) { _ = try open(with: TestStore.secret) }
  }

  // MARK: - Keys

  @Test func anyKeyOpensAndAWrongOneDoesNot() throws {
    let store = try make()
    expectFailure(.wrongKey) { _ = try open(with: secret("wrong")) }
    let second = secret("second")
    let id = try store.repository.addKey(
      NewKey(secret: second, label: "second"), context: .testing())
    let repository = try open(with: second)
    let slots = try repository.keySlots()
    #expect(slots.count == 2)
    #expect(slots.first { $0.id == id }?.isCurrent == true)
    #expect(slots.first { $0.id == id }?.label == "second")
    try repository.removeKey(id)
    expectFailure(.wrongKey) { _ = try open(with: second) }
    _ = try open(with: TestStore.secret)
  }

  /// Puts a slot there that claims a cost, as somebody without the keys can.
  private func forgeSlot(_ number: UInt8, logarithmOfN: UInt8, parallelism: UInt8) throws {
    let name = try #require(
      try fileSystem.list(layout.keys).first { KeyID(name: $0.name) != nil })
    var bytes = try fileSystem.readAll(
      layout.keys.appending(name.name), limitBytes: KeySlot.maximumFileBytes)
    bytes[65] = logarithmOfN
    bytes[72] = parallelism
    bytes[100] ^= number
    try fileSystem.writeDurably(
      bytes, to: layout.key(try KeyID(of: bytes)), permissions: .ownerReadWrite)
  }

  @Test func aForgedSlotThatCostsTooMuchIsNamedAndSkipped() throws {
    _ = try make()
    try forgeSlot(1, logarithmOfN: 18, parallelism: 16)
    let start = ContinuousClock.now
    let repository = try open(with: TestStore.secret)
    #expect(ContinuousClock.now - start < .seconds(5))
    #expect(repository.warnings.count == 1)
    #expect(repository.warnings.first?.contains("more than this program pays") == true)
    // It is listed, and can be removed.
    let forged = try #require(try repository.keySlots().first { $0.problem != nil })
    try repository.removeKey(forged.id)
    #expect(try open(with: TestStore.secret).warnings.isEmpty)
  }

  @Test func theCheapestSlotIsTriedFirstAndTheSumIsBounded() throws {
    _ = try make()
    // Each as costly as may be: a minute together.
    for number in 1...80 as ClosedRange<UInt8> {
      try forgeSlot(number, logarithmOfN: 18, parallelism: 1)
    }
    let start = ContinuousClock.now
    #expect(try open(with: TestStore.secret).warnings.isEmpty)
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func moreSlotsThanAnybodyHasAreNotLookedAt() throws {
    _ = try make()
    for number in 0..<1100 {
      let name = String(repeating: "f", count: 60) + String(1000 + number).suffix(4)
      try fileSystem.writeDurably(
        [1], to: layout.keys.appending(name), permissions: .ownerReadWrite)
    }
    let repository = try open(with: TestStore.secret)
    #expect(repository.warnings.count == 4)
  }

  @Test func theLastUsableKeyStays() throws {
    let store = try make()
    let first = try store.repository.keySlots()[0].id
    expectFailure(.invalidRequest) { try store.repository.removeKey(first) }
    let second = try store.repository.addKey(
      NewKey(secret: secret("second"), label: ""), context: .testing())
    let file = try fileSystem.openFile(layout.key(second), for: .readingAndWriting)
    try file.write([0xff], at: 70)
    expectFailure(.invalidRequest) { try store.repository.removeKey(first) }
    try store.repository.removeKey(second)
    _ = try open(with: TestStore.secret)
  }

  @Test func ofTwoKeysRemovedAtOnceOneStays() throws {
    let store = try make()
    let first = try store.repository.keySlots()[0].id
    let second = try store.repository.addKey(
      NewKey(secret: secret("second"), label: ""), context: .testing())
    try? concurrently(2) { try store.repository.removeKey([first, second][$0]) }
    #expect(try store.repository.keySlots().count == 1)
  }

  @Test func thePaperKeyLetsInWhoHasLostEverything() throws {
    let store = try make()
    let disk = TestDisk(chunks: 2, seed: 1)
    let id = try store.backUp(disk, job: "a")
    let paper = try store.repository.paperKey()
    let new = NewKey(secret: secret("new"), label: "after the fire")
    _ = try Repository.importPaperKey(
      paper, into: layout.root, new: new, environment: environment, context: .testing())
    let repository = try open(with: secret("new"))
    let reopened = TestStore(repository, environment)
    #expect(try reopened.disk(of: id) == disk)
    #expect(throws: StoreError.self) {
      _ = try Repository.importPaperKey(
        String(paper.dropLast(20)), into: layout.root, new: new, environment: environment,
        context: .testing())
    }
  }

  // MARK: - Sessions

  @Test func whatKilledSessionsLeftIsRemovedAndLiveOnesStay() throws {
    let store = try make(encrypted: false)
    let living = try store.repository.beginReading("live", pinned: [], context: .testing())
    let killed = try store.repository.beginReading("dead", pinned: [], context: .testing())
    #expect(try fileSystem.list(layout.sessions).count == 2)
    let copy = fileSystem.afterKill(at: fileSystem.operationCount)
    let other = try TestStore(
      opening: layout.root,
      environment: TestStore.environment(on: copy, index: index.appending("other")))
    try other.beginWriting().end()
    #expect(try copy.list(layout.sessions).isEmpty, "nobody lives there")
    killed.end()
    try store.beginWriting().end()
    #expect(try fileSystem.list(layout.sessions).count == 1)
    living.end()
    living.end()
    #expect(try fileSystem.list(layout.sessions).isEmpty)
  }

  @Test func sessionsThatBeginWhileOthersTidyUpAreListed() throws {
    let store = try make(encrypted: false)
    let (fileSystem, sessions) = (fileSystem, layout.sessions)
    try concurrently(4) { number in
      for _ in 0..<50 {
        if number == 0 {
          try store.beginWriting().end()
        } else {
          let session = try store.repository.beginReading(
            "test", pinned: [], context: .testing())
          guard try !fileSystem.list(sessions).isEmpty else { throw MissingSession() }
          session.end()
        }
      }
    }
    #expect(try fileSystem.list(layout.sessions).isEmpty)
  }

  private struct MissingSession: Error {}

  @Test func aReadOnlyRepositoryCanBeRead() throws {
    try expectReading(refusing: .readOnly) {
      $0.setFaults { $0.kind.isChange ? .readOnlyFileSystem : nil }
    }
  }

  @Test func aRepositoryOnAFullFileSystemCanBeRead() throws {
    try expectReading(refusing: .noSpace) { $0.setCapacity(bytes: 0) }
  }

  private func expectReading(
    refusing code: StoreError.Code, after restrict: (SimulatedFileSystem) -> Void
  ) throws {
    let store = try make()
    let disk = TestDisk(chunks: 2, seed: 1)
    let id = try store.backUp(disk, job: "a")
    restrict(fileSystem)
    var environment = environment
    environment.indexDirectory = index.appending("elsewhere")
    let other = try TestStore(opening: layout.root, environment: environment)
    let session = try other.repository.beginReading("restore", pinned: [], context: .testing())
    #expect(try other.disk(of: id) == disk)
    session.end()
    expectFailure(code) { try other.beginWriting().end() }
  }

  @Test func aCopyWithoutTheEmptyListOfSessionsWorks() throws {
    let store = try make(encrypted: false)
    try fileSystem.remove(layout.sessions)
    try store.repository.beginReading("restore", pinned: [], context: .testing()).end()
    try fileSystem.remove(layout.sessions)
    try store.beginWriting().end()
    #expect(try fileSystem.list(layout.sessions).isEmpty)
  }
}
