@testable import ChunkStore
import FileIO
import Synchronization
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

/// What others do to the repository's directories in just the wrong moment.
@Suite struct SharedDirectoriesTests {
  private let fileSystem = SimulatedFileSystem()
  private let index: TemporaryDirectory
  private let store: TestStore

  init() throws {
    try fileSystem.createDirectories("/srv")
    index = try TemporaryDirectory(inMemory: true)
    store = try TestStore(
      creating: "/srv/repository", encrypted: false,
      environment: TestStore.environment(on: fileSystem, index: index.path))
  }

  /// A writing session may have compared while the pack was deleted, and relies on the index since.
  @Test func aPackThatGoesWhileItIsReadIsNotListed() throws {
    try store.backUp(TestDisk(chunks: 3, seed: 1), job: "a")
    let looks = Mutex<[FilePath: Int]>([:])
    fileSystem.setFaults { call in
      guard call.kind == .metadata, call.path.string.contains("/packs/") else { return nil }
      // The first look is for its length.
      return looks.withLock {
        $0[call.path, default: 0] += 1
        return $0[call.path] == 1 ? nil : .noSuchFileOrDirectory
      }
    }
    _ = try store.repository.rebuildIndex { _ in }
    #expect(try store.repository.records.index.packs().isEmpty)
    fileSystem.setFaults(nil)
    _ = try store.repository.records.synchronize()
    #expect(try store.repository.records.index.packs().count == 2)
  }

  @Test func whoTidiesUpIsNotTakenForWhoLives() throws {
    let left: FilePath = "/srv/repository/sessions/0123456789abcdef0123456789abcdef"
    let file = try fileSystem.createFile(left, permissions: .ownerReadWrite)
    file.close()
    let other = try fileSystem.openFile(left, for: .readingAndWriting)
    #expect(try other.tryLock(.shared))
    #expect(try store.repository.liveSessions().isEmpty)
    other.close()
  }
}
