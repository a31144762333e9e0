package import ChunkStore
package import FileIO
package import LocalObjects
import SystemPackage
package import TestSupport

/// A repository as two processes see it: one acts in a gap between two operations of the other, and then the
/// power fails.
package struct InterleavedStores: Sendable {
  package let disk = SimulatedFileSystem()
  /// The first process's, which can be interrupted.
  package let fileSystem: InterruptedFileSystem<SimulatedFileSystem>
  package let store: TestStore
  /// Another process.
  package let other: TestStore
  package let layout = RepositoryLayout(root: "/repository")
  private let index: TemporaryDirectory

  package init() throws {
    index = try TemporaryDirectory(inMemory: true)
    fileSystem = InterruptedFileSystem(disk)
    store = try TestStore(
      creating: layout.root, encrypted: false,
      environment: TestStore.environment(on: fileSystem, index: index.path))
    other = try TestStore(
      opening: layout.root, environment: TestStore.environment(on: disk, index: index.path))
  }

  /// As one more process sees it on `files`.
  ///
  /// - Parameter name: of an index of its own; nil for the one that the others use.
  package func repository(
    on files: any FileSystem, index name: String? = nil
  ) throws -> Repository {
    let index = name.map { self.index.appending($0) } ?? self.index.path
    return try TestStore(
      opening: layout.root, environment: TestStore.environment(on: files, index: index)
    ).repository
  }

  /// What a power failure now may leave.
  package func afterPowerFailures(
    of disk: SimulatedFileSystem? = nil, _ check: (Repository) throws -> Void
  ) throws {
    let disk = disk ?? self.disk
    let count = disk.operationCount
    for seed in 0..<30 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      try check(
        repository(on: disk.afterPowerFailure(at: count, using: &random), index: "crashed"))
    }
  }
}
