import ChunkFormat
import FileIO
import LocalObjects
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

/// The compression of a repository is changed after it was created.
@Suite struct CompressionChangeTests {
  private static let fast = CompressionMethod.zstd(level: -7)
  private let root: FilePath = "/srv/repository"
  private let index: TemporaryDirectory

  init() throws { index = try TemporaryDirectory(inMemory: true) }

  private func environment(on fileSystem: any FileSystem) -> RepositoryEnvironment {
    TestStore.environment(on: fileSystem, index: index.path)
  }

  private func make(
    on fileSystem: SimulatedFileSystem, encrypted: Bool
  ) throws -> TestStore {
    try fileSystem.createDirectories("/srv")
    return try TestStore(
      creating: root, encrypted: encrypted, environment: environment(on: fileSystem))
  }

  @Test(arguments: [false, true])
  func nothingElseChangesAndOldRevisionsStayReadable(encrypted: Bool) throws {
    let fileSystem = SimulatedFileSystem()
    let store = try make(on: fileSystem, encrypted: encrypted)
    let disk = TestDisk(chunks: 3, seed: 1)
    let old = try store.backUp(disk, job: "a")
    let before = store.repository.configuration
    let changed = try store.repository.changeCompression(to: Self.fast)
    #expect(changed.compression == Self.fast)
    #expect(changed == before.compressed(by: Self.fast))

    let reopened = try TestStore(opening: root, environment: environment(on: fileSystem))
    #expect(reopened.repository.configuration == changed)
    #expect(try reopened.disk(of: old) == disk)
  }

  /// Each process holds the configuration that it opened; the change starts from the stored one.
  @Test func aChangeByAnotherProcessIsSeen() throws {
    let fileSystem = SimulatedFileSystem()
    let store = try make(on: fileSystem, encrypted: false)
    let other = try TestStore(opening: root, environment: environment(on: fileSystem))
    try other.repository.changeCompression(to: .none)
    try store.repository.changeCompression(to: CompressionMethod.standard)
    let reopened = try TestStore(opening: root, environment: environment(on: fileSystem))
    #expect(reopened.repository.configuration.compression == .standard)
  }

  @Test func aDamagedConfigurationIsNotReplaced() throws {
    let fileSystem = SimulatedFileSystem()
    let store = try make(on: fileSystem, encrypted: true)
    let path = RepositoryLayout(root: root).configuration
    var bytes = try fileSystem.readAll(path, limitBytes: 1 << 16)
    bytes[70] ^= 1
    try fileSystem.writeDurably(bytes, to: path, permissions: .ownerReadWrite)
    let error = #expect(throws: StoreError.self) {
      try store.repository.changeCompression(to: Self.fast)
    }
    #expect(error?.code == .damaged)
    #expect(try fileSystem.readAll(path, limitBytes: 1 << 16) == bytes)
  }

  /// The power fails after every operation: the repository opens with the old setting or the new one,
  /// and with the new one once the change was reported.
  @Test func aCrashLeavesTheOldSettingOrTheNewOne() throws {
    let fileSystem = SimulatedFileSystem()
    let store = try make(on: fileSystem, encrypted: true)
    let begun = fileSystem.operationCount
    try store.repository.changeCompression(to: Self.fast)
    let done = fileSystem.operationCount
    for count in begun...done {
      for seed in 0..<UInt64(8) {
        var random = SeededRandom(seed: seed)
        let crashed = fileSystem.afterPowerFailure(at: count, using: &random)
        let survivor = try TestStore(opening: root, environment: environment(on: crashed))
        let compression = survivor.repository.configuration.compression
        #expect(compression == Self.fast || (compression == .standard && count < done))
      }
    }
  }
}
