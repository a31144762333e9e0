import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import SystemPackage
import TestSupport

@testable import ChunkStore

/// An encrypted repository on a file system that can fail, for the suites that inherit from it: each test has
/// one of its own.
class SimulatedStore {
  let fileSystem = SimulatedFileSystem()
  let layout = RepositoryLayout(root: "/repository")
  let environment: RepositoryEnvironment
  let store: TestStore
  private let index: TemporaryDirectory

  init() throws {
    index = try TemporaryDirectory(inMemory: true)
    environment = TestStore.environment(on: fileSystem, index: index.path)
    store = try TestStore(creating: layout.root, encrypted: true, environment: environment)
  }

  var repository: Repository { store.repository }

  func backUp(_ job: String, seed: UInt64) throws -> RevisionID {
    try store.backUp(TestDisk(chunks: 1, seed: seed), job: job)
  }
}
