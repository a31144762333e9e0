import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import Glibc
import LocalObjects
import SystemPackage
import TestSupport
import Testing
import VolumeSources
import Workers

/// Runs backups with the real engine on a file system that loses power. After a power failure, each
/// committed revision must be complete and intact, and the next backup must be as well.
///
/// With `VARVE_CRASH_SEEDS=N`, the power fails after every single operation, N times at each.
/// Without it, the power fails after every eighth operation.
@Suite("Backups and power failures")
struct CrashTests {
  private static let root: FilePath = "/repository"
  private static let givenSeeds =
    getenv("VARVE_CRASH_SEEDS").flatMap { UInt64(String(cString: $0)) }

  private let fileSystem = SimulatedFileSystem()
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory(inMemory: true) }

  private func environment(
    on fileSystem: SimulatedFileSystem, index: String
  ) -> RepositoryEnvironment {
    var environment = RepositoryEnvironment(storage: LocalObjects.opener(on: fileSystem))
    environment.indexDirectory = directory.appending(index)
    environment.packTargetBytes = 256 << 10
    return environment
  }

  private func backUp(
    _ disks: [(name: String, path: FilePath)], job: String, in repository: Repository,
    _ environment: RepositoryEnvironment, cancellation: CancellationFlag = CancellationFlag()
  ) throws -> BackupReport {
    var request = BackupRequest(
      job: job,
      volumes: try disks.map {
        BackupRequest.Volume(name: $0.name, source: try openSource($0.path.string))
      }, program: "test")
    request.documents = [BackupRequest.Document(name: "domain.xml", bytes: Array(job.utf8))]
    request.verification = .none
    return try Backup(
      repository: repository, request: request, context: .testingNow(cancellation: cancellation)
    ).run()
  }

  /// Creates a disk of 16 chunks with a hole, a version with a few bytes changed and a new end, and
  /// another disk.
  private func makeDisks() throws -> (first: FilePath, second: FilePath, other: FilePath) {
    var random = SeededRandom(seed: 5)
    var bytes = random.bytes(16 * 64 << 10)
    bytes.replaceSubrange(200_000..<400_000, with: repeatElement(0, count: 200_000))
    let first = try directory.file("first", bytes)
    for offset in [10, 70_000, 900_000] { bytes[offset] ^= 0xff }
    let second = try directory.file("second", bytes + random.bytes(300_001))
    return (first, second, try directory.file("other", random.bytes(5 * 64 << 10)))
  }

  @Test("A committed revision is intact after a power failure at any moment")
  func powerFailures() throws {
    let disks = try makeDisks()
    let environment = environment(on: fileSystem, index: "index")
    var settings = RepositorySettings()
    settings.chunkSizeBytes = 64 << 10
    let repository = try Repository.create(
      at: Self.root, settings: settings, firstKey: nil, environment: environment,
      context: .testingNow())
    let begun = fileSystem.operationCount
    var committed: [(id: RevisionID, count: Int)] = []
    for (job, volumes) in [
      ("web01", [("vda", disks.first)]), ("db01", [("vda", disks.other), ("vdb", disks.first)]),
      ("web01", [("vda", disks.second)]),
    ] as [(String, [(name: String, path: FilePath)])] {
      let report = try backUp(volumes, job: job, in: repository, environment)
      committed.append((report.id, fileSystem.operationCount))
    }
    for count in stride(
      from: begun, through: fileSystem.operationCount, by: Self.givenSeeds == nil ? 8 : 1)
    {
      for seed in 0..<(Self.givenSeeds ?? 1) {
        var random = SeededRandom(seed: seed &* 1_000_003 &+ UInt64(count))
        let crashed = fileSystem.afterPowerFailure(at: count, using: &random)
        try inspect(
          crashed, disk: disks.second, expecting: committed.filter { $0.count <= count }.map(\.id),
          known: Set(committed.map(\.id)), comment: "at \(count), seed \(seed)")
      }
    }
  }

  private func inspect(
    _ crashed: SimulatedFileSystem, disk: FilePath, expecting expected: [RevisionID],
    known: Set<RevisionID>, comment: Comment
  ) throws {
    let environment = environment(
      on: crashed, index: "index-\(UInt64.random(in: .min ... .max))")
    let repository = try Repository.open(at: Self.root, environment: environment) {
      Workplace.passphrase
    }
    let listing = try repository.revisions()
    #expect(listing.unreadable.isEmpty, comment)
    let found = Set(listing.entries.map(\.id))
    #expect(found.isSuperset(of: expected), comment)
    #expect(known.isSuperset(of: found), comment)
    try expectUndamaged(listing.entries, repository, environment, comment)
    let next = try backUp([("vda", disk)], job: "web01", in: repository, environment)
    #expect(next.warnings.isEmpty, comment)
    try expectUndamaged([repository.revision(next.id)], repository, environment, comment)
    let again = try backUp([("vda", disk)], job: "web01", in: repository, environment)
    #expect(again.revision.volumes[0].statistics.newChunks == 0, comment)
    #expect(again.revision.volumes[0].root == next.revision.volumes[0].root, comment)
  }

  /// Checks that every byte is unchanged. The name of a revision is the hash of its description. So
  /// if this hash, all nodes and all chunks match their ids, nothing has changed.
  private func expectUndamaged(
    _ entries: [RevisionEntry], _ repository: Repository, _ environment: RepositoryEnvironment,
    _ comment: Comment
  ) throws {
    let report = try Verification(
      repository: repository, entries: entries, policy: .full, context: .testingNow()
    ).run()
    #expect(report.damages.isEmpty, comment)
  }
}
