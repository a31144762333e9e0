import ChunkFormat
import FileIO
import LocalObjects
import Remedies
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// Directories that a copy of a repository lacks, since they were empty or were lost.
@Suite struct MissingDirectoriesTests {
  private let fileSystem = SimulatedFileSystem()
  private let index: TemporaryDirectory
  private let layout = RepositoryLayout(root: "/repository")

  init() throws { index = try TemporaryDirectory(inMemory: true) }

  private var environment: RepositoryEnvironment {
    TestStore.environment(on: fileSystem, index: index.path)
  }

  /// A repository with one revision, and without `directory`.
  private func store(without directory: FilePath, encrypted: Bool = false) throws -> TestStore {
    let store = try TestStore(
      creating: layout.root, encrypted: encrypted, environment: environment)
    try store.backUp(TestDisk(chunks: 2, seed: 1), job: "a")
    try fileSystem.removeTree(directory)
    return try TestStore(opening: layout.root, environment: environment)
  }

  @Test func aPlainRepositoryNeedsNoDirectoryOfKeys() throws {
    let store = try store(without: layout.keys)
    #expect(try store.repository.revisions().entries.count == 1)
    try store.backUp(TestDisk(chunks: 2, seed: 2), job: "a")
  }

  @Test func lostKeysAreSaidToBeLost() throws {
    let error = #expect(throws: StoreError.self) {
      try store(without: layout.keys, encrypted: true)
    }
    #expect(error?.code == .wrongKey)
    #expect(error?.message.contains("no key in /repository/keys") == true)
    #expect(error?.remedy == .importKey)
  }

  @Test func thePaperKeyMakesUpForLostKeys() throws {
    let store = try TestStore(creating: layout.root, encrypted: true, environment: environment)
    let paper = try store.repository.paperKey()
    try fileSystem.removeTree(layout.keys)
    _ = try Repository.importPaperKey(
      paper, into: layout.root, new: NewKey(secret: TestStore.secret, label: "again"),
      environment: environment, context: .testing())
    #expect(
      try TestStore(opening: layout.root, environment: environment).repository.keySlots().count
        == 1)
  }

  /// Nothing says whether it was empty; so nobody must take it for that.
  @Test(arguments: ["revisions", "marks", "packs/data", "packs/maps"])
  func whatMayHaveHeldSomethingIsNamed(name: String) throws {
    let store = try store(without: layout.root.appending(name))
    let error = #expect(throws: StoreError.self) {
      _ = try store.repository.revisions()
      _ = try store.repository.records.synchronize()
    }
    #expect(error?.code == .fileSystem)
    #expect(error?.message.contains("the directory /repository/\(name) is missing") == true)
    #expect(error?.remedy == .restoreDirectory)
  }

  @Test func policiesNeedTheDirectoryOfTheirLock() throws {
    let store = try store(without: layout.marks)
    let error = #expect(throws: StoreError.self) {
      try store.repository.updateRetentionPolicies { $0.standard = nil }
    }
    #expect(error?.message.contains("/repository/marks is missing") == true)
  }
}
