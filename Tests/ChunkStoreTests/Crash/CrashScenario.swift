@testable import ChunkStore
import ChunkFormat
import FileIO
import StoreTestSupport
import SystemPackage
import TestSupport

/// A repository's first days on a simulated file system: two jobs, deltas, tags, a backup that is
/// interrupted and the one after it. What was promised, and after how many operations, is written
/// down.
struct CrashScenario {
  static let root: FilePath = "/srv/repository"

  /// What is true once `count` operations have been done.
  struct Promise<Value: Sendable>: Sendable {
    let value: Value
    /// Operations that had begun before the promise was given; from here on it may be kept already.
    let begunAt: Int
    /// Operations that had been done when it was given; from here on it must be kept.
    let givenAt: Int
  }

  struct CommittedRevision: Sendable {
    let id: RevisionID
    let disk: TestDisk
  }

  let fileSystem: SimulatedFileSystem
  private(set) var creation = Promise(value: (), begunAt: 0, givenAt: 0)
  private(set) var revisions: [Promise<CommittedRevision>] = []
  private(set) var tags: [Promise<(id: RevisionID, tags: [String])>] = []
  /// The index after each step, the last of them from the future of any crash.
  private(set) var indexes: [IndexSnapshot] = []
  /// What the last backup stored.
  private(set) var lastDisk = TestDisk(chunks: [])

  /// Plays the scenario.
  ///
  /// - Parameter lapse: something that the file system does wrong.
  init(encrypted: Bool, lapse: CarelessFileSystem.Lapse? = nil) throws {
    fileSystem = SimulatedFileSystem()
    try fileSystem.createDirectories("/srv")
    let index = try TemporaryDirectory(inMemory: true)
    let seam: any FileSystem = lapse.map { CarelessFileSystem(fileSystem, lapse: $0) } ?? fileSystem
    let environment = TestStore.environment(on: seam, index: index.path)
    let store = try TestStore(creating: Self.root, encrypted: encrypted, environment: environment)
    creation = Promise(value: (), begunAt: 0, givenAt: fileSystem.operationCount)
    let step = { try IndexSnapshot(of: index.path) }

    let first = TestDisk(chunks: 10, seed: 1)
    let a0 = try back(up: first, "a", in: store)
    indexes.append(try step())
    var other = TestDisk(chunks: 8, seed: 2)
    other.chunks[0..<5] = first.chunks[0..<5]
    try back(up: other, "b", in: store)
    try tag(a0, ["nightly", "keep"], in: store)
    indexes.append(try step())

    var second = first.touching(1, with: 0x55).touching(7, with: 0x77)
    second.chunks += TestDisk(chunks: 5, seed: 3).chunks
    let a1 = try back(up: second, "a", parent: a0, in: store)
    indexes.append(try step())

    lastDisk = second.touching(1, with: 0x33)
    lastDisk.chunks += TestDisk(chunks: 9, seed: 4).chunks
    try interruptedBackup(of: lastDisk, parent: a1, in: store)
    try back(up: lastDisk, "a", parent: a1, in: store)
    try tag(a1, ["weekly"], in: store)
    try tag(a0, [], in: store)
    indexes.append(try step())
  }

  @discardableResult
  private mutating func back(
    up disk: TestDisk, _ job: String, parent: RevisionID? = nil, in store: TestStore
  ) throws -> RevisionID {
    let begun = fileSystem.operationCount
    let id = try store.backUp(disk, job: job, parent: parent)
    revisions.append(
      Promise(
        value: CommittedRevision(id: id, disk: disk), begunAt: begun,
        givenAt: fileSystem.operationCount))
    return id
  }

  private mutating func tag(_ id: RevisionID, _ names: [String], in store: TestStore) throws {
    let begun = fileSystem.operationCount
    try store.repository.updateMarks(of: id) { $0.tags = names }
    tags.append(
      Promise(value: (id, names), begunAt: begun, givenAt: fileSystem.operationCount))
  }

  /// A backup whose process ends after some packs.
  private func interruptedBackup(
    of disk: TestDisk, parent: RevisionID, in store: TestStore
  ) throws {
    let writing = try store.beginWriting()
    defer { writing.end() }
    _ = try store.store(disk, job: "a", parent: parent, with: writing.writer)
  }

  /// The tags that a revision may have after `count` operations.
  func possibleTags(of id: RevisionID, after count: Int) -> [[String]] {
    let changes = tags.filter { $0.value.id == id }
    let settled = changes.last { $0.givenAt <= count }?.value.tags ?? []
    return [settled] + changes.filter { $0.begunAt < count && $0.givenAt > count }.map(\.value.tags)
  }
}

/// The data file of an index at one moment.
struct IndexSnapshot {
  /// Directory of the index below the one that was chosen.
  private let name: String
  private let data: [UInt8]

  init(of directory: FilePath) throws {
    let fileSystem = POSIXFileSystem()
    name = try fileSystem.list(directory)[0].name
    data = try fileSystem.readAll(
      directory.appending(name).appending("data.mdb"), limitBytes: 16 << 20)
  }

  /// Puts the index into `directory`, as if it had been there all the time.
  func install(in directory: FilePath) throws {
    let fileSystem = POSIXFileSystem()
    let place = directory.appending(name)
    try fileSystem.createDirectories(place)
    let file = try fileSystem.createFile(
      place.appending("data.mdb"), permissions: .ownerReadWrite)
    try file.write(data, at: 0)
    let identity = FileIdentity(try fileSystem.metadata(of: file.path))
    try fileSystem.writeDurably(
      Array(identity.claim.utf8), to: place.appending("home"), permissions: .ownerReadWrite)
  }
}
