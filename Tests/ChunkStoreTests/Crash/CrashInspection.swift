@testable import ChunkStore
import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import SystemPackage
import TestSupport

/// Looks at what a crash left, as the next program does, and lists every promise that was broken.
struct CrashInspection {
  let scenario: CrashScenario
  /// Operations done before the crash.
  let count: Int
  let crashed: SimulatedFileSystem
  /// The index that is found; nil for none.
  let index: IndexSnapshot?
  private(set) var violations: [String] = []

  init(
    _ scenario: CrashScenario, at count: Int, leaving crashed: SimulatedFileSystem,
    index: IndexSnapshot?
  ) {
    self.scenario = scenario
    self.count = count
    self.crashed = crashed
    self.index = index
  }

  /// Opens the repository, reads everything, and backs up again; returns the revision of that.
  @discardableResult
  mutating func run() throws -> RevisionID? {
    let directory = try TemporaryDirectory(inMemory: true)
    try index?.install(in: directory.path)
    let environment = TestStore.environment(on: crashed, index: directory.path)
    do {
      guard let store = try open(environment) else { return nil }
      try inspectFiles()
      try inspectRevisions(store)
      let id = try inspectNextBackup(store)
      try inspectIndex(store)
      return id
    } catch {
      violations.append("\(error)")
      return nil
    }
  }

  /// Nil where there is no repository yet, rightly.
  private mutating func open(_ environment: RepositoryEnvironment) throws -> TestStore? {
    do {
      return try TestStore(opening: CrashScenario.root, environment: environment)
    } catch let error as StoreError where error.code == .notARepository {
      guard count < scenario.creation.givenAt else { throw error }
      // What is left must not be in the way of another attempt.
      _ = try TestStore(creating: CrashScenario.root, encrypted: true, environment: environment)
      return nil
    }
  }

  /// Whatever has a pack's name is that pack.
  private mutating func inspectFiles() throws {
    for (name, path) in try packPaths() {
      let digest = try FileDigest(of: crashed.readAll(path, limitBytes: 64 << 20))
      if digest.description != name { violations.append("\(path) is torn") }
    }
  }

  private mutating func inspectRevisions(_ store: TestStore) throws {
    let listing = try store.repository.revisions()
    violations += listing.unreadable.map { "revision \($0.id): \($0.error)" }
    for promise in scenario.revisions where promise.givenAt <= count {
      if !listing.entries.contains(where: { $0.id == promise.value.id }) {
        violations.append("revision \(promise.value.id) is missing")
      }
    }
    for entry in listing.entries {
      if let damage = entry.marksDamage { violations.append("marks: \(damage)") }
      guard let promise = scenario.revisions.first(where: { $0.value.id == entry.id }),
        promise.begunAt < count
      else {
        violations.append("revision \(entry.id) was never made")
        continue
      }
      if try store.disk(of: entry.id) != promise.value.disk {
        violations.append("revision \(entry.id) reads differently")
      }
      if !scenario.possibleTags(of: entry.id, after: count).contains(entry.marks.tags) {
        violations.append("revision \(entry.id) has the tags \(entry.marks.tags)")
      }
    }
  }

  private mutating func inspectNextBackup(_ store: TestStore) throws -> RevisionID {
    let parent = try store.repository.revisions().entries.last { $0.revision.job == "a" }?.id
    let disk = scenario.lastDisk.touching(3, with: 0x11)
    let id = try store.backUp(disk, job: "a", parent: parent)
    if try store.disk(of: id) != disk { violations.append("the next backup reads differently") }
    let sessions = try crashed.list(CrashScenario.root.appending("sessions"))
    if !sessions.isEmpty { violations.append("sessions are left: \(sessions.map(\.name))") }
    return id
  }

  /// The index lists every record of every pack, each once: nothing that was in a pack was stored
  /// again.
  private mutating func inspectIndex(_ store: TestStore) throws {
    let present = Set(try packPaths().keys)
    let index = store.repository.records.index
    for (isRebuilt, listed) in [
      (false, try index.packs()),
      (
        true,
        try {
          try rebuild(store); return try index.packs()
        }()
      ),
    ] where Set(listed.map(\.description)) != present {
      violations.append("the index, rebuilt: \(isRebuilt), does not list the packs that are there")
    }
    let ids = try recordIDs(store)
    if ids.count != Set(ids).count { violations.append("a record was stored twice") }
    if try index.recordCount() != ids.count { violations.append("the rebuilt index is incomplete") }
  }

  private func rebuild(_ store: TestStore) throws {
    _ = try store.repository.rebuildIndex { _ in }
  }

  private func recordIDs(_ store: TestStore) throws -> [ContentID] {
    let objects = PackObjects(
      storage: LocalObjects(root: CrashScenario.root, fileSystem: crashed),
      repository: store.repository.configuration.id, keys: store.repository.keys)
    return try objects.list().flatMap { id, kind in
      try PackInventory(of: objects.pack(id, kind: kind), idKey: objects.idKey).entries.map(\.id)
    }
  }

  private func packPaths() throws -> [String: FilePath] {
    var paths: [String: FilePath] = [:]
    for directory in RepositoryLayout(root: CrashScenario.root).packDirectories {
      for shard in try crashed.list(directory) where shard.kind == .directory {
        let shard = directory.appending(shard.name)
        for pack in try crashed.list(shard) { paths[pack.name] = shard.appending(pack.name) }
      }
    }
    return paths
  }
}
