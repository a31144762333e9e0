package import BackupEngine
package import ChunkFormat
package import ChunkStore
import FileIO
import LocalObjects
package import SystemPackage
package import TestSupport
import VolumeSources
package import Workers

/// A repository in a temporary directory, and disks to fill it with.
package final class Workplace: Sendable {
  package let directory: TemporaryDirectory
  package let repository: Repository
  package let environment: RepositoryEnvironment
  package let context = WorkContext.testingNow()

  package init(
    encrypted: Bool = false, chunkSizeBytes: Int = 64 << 10, inMemory: Bool = false
  ) throws {
    directory = try TemporaryDirectory(inMemory: inMemory)
    var environment = RepositoryEnvironment(storage: LocalObjects.opener())
    environment.passphraseCost = .minimal
    self.environment = environment
    var settings = RepositorySettings()
    settings.chunkSizeBytes = chunkSizeBytes
    repository = try Repository.create(
      at: directory.path.appending("repository"), settings: settings,
      firstKey: encrypted ? NewKey(secret: Self.passphrase, label: "test") : nil,
      environment: environment, context: context)
  }

  package static var passphrase: UnlockSecret {
    .passphrase(Array("a passphrase".utf8).withUnsafeBytes { SecretBytes(copying: $0) })
  }

  /// A file with `bytes`.
  package func disk(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
    let path = directory.path.appending(name)
    let files = POSIXFileSystem()
    try files.writeDurably(bytes, to: path, permissions: [.ownerReadWrite])
    return path
  }

  /// Backs up the disk at `path` as the only volume of `job`.
  @discardableResult
  package func backUp(
    _ path: FilePath, job: String = "web01", change: (inout BackupRequest) -> Void = { _ in }
  ) throws -> BackupReport {
    var request = BackupRequest(
      job: job,
      volumes: [BackupRequest.Volume(name: "disk", source: try openSource(path.string))],
      program: "test")
    request.verification = .none
    // Disks change as tests want them to.
    request.acceptsUnusual = true
    change(&request)
    return try Backup(
      repository: repository, request: request, context: context
    ).run()
  }

  /// - Parameter only: the one revision to look at; nil for all.
  package func verify(
    _ policy: VerificationPolicy = .full, only id: RevisionID? = nil
  ) throws -> VerificationReport {
    let entries = try repository.revisions().entries.filter { id == nil || $0.id == id }
    return try Verification(
      repository: repository, entries: entries, policy: policy,
      context: context
    ).run()
  }

  /// Every pack of a kind, `data` or `maps`.
  package func packs(_ kind: String) throws -> [FilePath] {
    let files = POSIXFileSystem()
    let root = repository.root.appending("packs").appending(kind)
    return try files.list(root).flatMap { shard in
      try files.list(root.appending(shard.name)).map {
        root.appending(shard.name).appending($0.name)
      }
    }
  }

  /// Overwrites some bytes of chunk `number` in the only data pack, whose chunks do not compress;
  /// returns the pack.
  @discardableResult
  package func spoilChunk(_ number: UInt64) throws -> FilePath {
    let packs = try packs("data")
    precondition(packs.count == 1)
    let overhead: UInt64 = repository.configuration.isEncrypted ? 72 + 32 : 72
    let record = UInt64(repository.configuration.chunkSizeBytes) + overhead
    let file = try POSIXFileSystem().openFile(packs[0], for: .readingAndWriting)
    defer { file.close() }
    try [UInt8](repeating: 0xaa, count: 16).withUnsafeBytes {
      try file.write($0, at: 64 + number * record + 5000)
    }
    return packs[0]
  }
}
