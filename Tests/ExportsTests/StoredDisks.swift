import CalendarTime
import ChunkFormat
import ChunkStore
import FileIO
import Exports
import LocalObjects
import NBDServer
import StoreTestSupport
import SystemPackage
import TestSupport
import VolumeMap
import VolumeReader

/// A repository on disk, with disks that a minimal engine backs up. A disk is a list of chunks.
/// Each chunk is filled with one byte; 0 stands for a hole.
final class StoredDisks {
  static let chunkBytes = 64 << 10

  let repository: Repository
  let environment: RepositoryEnvironment
  private let directory: TemporaryDirectory
  private var created: Timestamp = 1_800_000_000_000_000_000

  init() throws {
    directory = try TemporaryDirectory(inMemory: true)
    var environment = RepositoryEnvironment(storage: LocalObjects.opener())
    environment.indexDirectory = directory.path.appending("index")
    self.environment = environment
    var settings = RepositorySettings()
    settings.chunkSizeBytes = Self.chunkBytes
    repository = try Repository.create(
      at: directory.path.appending("repository"), settings: settings, firstKey: nil,
      environment: environment, context: .testing())
  }

  func catalog() throws -> RevisionCatalog {
    try RevisionCatalog(
      repository: repository, context: .testing(), zone: .fixed(offsetSeconds: 0))
  }

  /// Adds a revision of `job`, one hour after the previous one.
  @discardableResult
  func backUp(
    _ job: String, tags: [String] = [], _ disks: KeyValuePairs<String, [UInt8]>
  ) throws -> RevisionID {
    let writing = try repository.beginWriting("test", pinned: [], context: .testing())
    defer { writing.session.end() }
    let volumes = try disks.map { try store($1, as: $0, through: writing.writer) }
    try writing.writer.flush()
    created = created + .seconds(3600)
    return try repository.commit(
      Revision(
        job: job, created: created, finished: created, parent: nil, tags: tags, volumes: volumes,
        attachments: [], host: "host", program: "test"))
  }

  private func store(
    _ disk: [UInt8], as name: String, through writer: RecordWriter
  ) throws -> RevisionVolume {
    let store = TestStore(repository, environment)
    var builder = try MapBuilder(
      chunkSizeBytes: Self.chunkBytes, writer: store.nodeWriter(writer),
      reading: repository.nodeReader)
    for (number, byte) in disk.enumerated() where byte != 0 {
      try builder.append(
        store.store(
          Array(repeating: byte, count: Self.chunkBytes), type: .chunk, with: writer),
        at: ChunkNumber(UInt64(number)))
    }
    let size = UInt64(disk.count * Self.chunkBytes)
    return RevisionVolume(
      name: name, sizeBytes: size, root: try builder.finish(sizeBytes: size).id, source: "test",
      statistics: VolumeStatistics())
  }

  /// Returns the revisions that each session pins.
  func pinned() throws -> [Set<RevisionID>] {
    let files = POSIXFileSystem()
    let sessions = repository.root.appending("sessions")
    return try files.list(sessions).map { entry in
      let record = try SessionRecord(
        encoded: try files.readAll(sessions.appending(entry.name), limitBytes: 1 << 20),
        repository: repository.configuration.id, keys: nil)
      return Set(record.pinned)
    }
  }

  /// Deletes every chunk. The maps stay.
  func loseData() throws {
    let files = POSIXFileSystem()
    let root = repository.root.appending("packs").appending("data")
    for shard in try files.list(root) {
      for pack in try files.list(root.appending(shard.name)) {
        try files.remove(root.appending(shard.name).appending(pack.name))
      }
    }
  }

  func forget(_ id: RevisionID) throws {
    try POSIXFileSystem().remove(repository.root.appending("revisions").appending("\(id)"))
  }
}
