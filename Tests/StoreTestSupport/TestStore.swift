package import ChunkFormat
package import ChunkStore
package import FileIO
import LocalObjects
package import SystemPackage
import TestSupport
import Workers

/// A repository as a test uses it: small packs, and disks that are backed up by the plainest of
/// engines.
package struct TestStore {
  /// Chunks are this long here; the store does not mind.
  package static let chunkBytes = 16 << 10
  package static let secret = UnlockSecret.passphrase(
    "correct horse".utf8.withContiguousStorageIfAvailable {
      SecretBytes(copying: UnsafeRawBufferPointer($0))
    } ?? SecretBytes(count: 0) { _ in })

  package let repository: Repository
  /// What the clock shows.
  package static let time = WorkContext.testing().now()

  package let environment: RepositoryEnvironment

  /// A small world: packs of six chunks, cheap passphrases, an index in `index`.
  package static func environment(
    on fileSystem: any FileSystem, index: FilePath?
  ) -> RepositoryEnvironment {
    var environment = RepositoryEnvironment(storage: LocalObjects.opener(on: fileSystem))
    environment.indexDirectory = index
    environment.packTargetBytes = 6 * chunkBytes
    environment.passphraseCost = .minimal
    return environment
  }

  package init(creating root: FilePath, encrypted: Bool, environment: RepositoryEnvironment) throws
  {
    repository = try Repository.create(
      at: root, settings: RepositorySettings(),
      firstKey: encrypted ? NewKey(secret: Self.secret, label: "first") : nil,
      environment: environment, context: .testing())
    self.environment = environment
  }

  package init(_ repository: Repository, _ environment: RepositoryEnvironment) {
    self.repository = repository
    self.environment = environment
  }

  package init(opening root: FilePath, environment: RepositoryEnvironment) throws {
    repository = try Repository.open(at: root, environment: environment) { Self.secret }
    self.environment = environment
  }

  // MARK: - Backing up

  /// Stores `disk` and commits it as a revision.
  @discardableResult
  package func backUp(_ disk: TestDisk, job: String, parent: RevisionID? = nil) throws -> RevisionID
  {
    let writing = try beginWriting()
    defer { writing.end() }
    let node = try store(disk, job: job, parent: parent, with: writing.writer)
    try writing.writer.flush()
    return try commit(disk, root: node, job: job, parent: parent)
  }

  package func beginWriting() throws -> WritingSession {
    try repository.beginWriting("test", pinned: [], context: .testing())
  }

  /// Appends what is new in `disk`, changed chunks as deltas from the parent's; returns the id of its
  /// map.
  package func store(
    _ disk: TestDisk, job: String, parent: RevisionID? = nil, with writer: RecordWriter
  ) throws -> ContentID {
    let previous = try parent.map { try map(of: repository.revision($0)) }
    var node = MapNode(level: 0)
    for (number, chunk) in disk.chunks.enumerated() {
      let base = previous?.node.children[number]
      node.children[number] = try store(
        chunk, type: .chunk, base: base?.isHole == true ? nil : base, with: writer)
    }
    return try store(node.encoded(), type: .mapNode, base: previous?.id, with: writer)
  }

  /// Appends one record unless the store has it; as a delta from `base` where that is possible.
  @discardableResult
  package func store(
    _ plaintext: [UInt8], type: RecordType, base: ContentID? = nil, with writer: RecordWriter
  ) throws -> ContentID {
    let id = try id(of: plaintext, type: type)
    guard try !writer.standing(of: id).isStored else { return id }
    try writer.append(try record(plaintext, id: id, type: type, base: base))
    return id
  }

  package func id(of plaintext: [UInt8], type: RecordType) throws -> ContentID {
    try plaintext.withUnsafeBytes {
      try ContentHasher(idKey: repository.keys?.idKey).id(of: $0, type: type)
    }
  }

  package func record(
    _ plaintext: [UInt8], id: ContentID, type: RecordType, base: ContentID?
  ) throws -> PreparedRecord {
    let compressor = try Compressor(method: .standard)
    return try plaintext.withUnsafeBytes { plaintext in
      if let base, try repository.records.locate([base])[0]?.entry.base == nil,
        let content = try? read(base, type: type),
        let delta = try content.withUnsafeBytes({
          try PreparedRecord(
            deltaOf: plaintext, id: id, type: type, base: base, baseContent: $0,
            compressor: compressor)
        }), delta.payloadBytes < plaintext.count / 2
      {
        return delta
      }
      return try PreparedRecord(standalone: plaintext, id: id, type: type, compressor: compressor)
    }
  }

  private func commit(
    _ disk: TestDisk, root: ContentID, job: String, parent: RevisionID?
  ) throws -> RevisionID {
    let size = UInt64(disk.chunks.reduce(0) { $0 + $1.count })
    let volume = RevisionVolume(
      name: RevisionVolume.unnamed, sizeBytes: size, root: root, source: "test",
      statistics: VolumeStatistics())
    return try repository.commit(
      Revision(
        job: job, created: Self.time, finished: Self.time, parent: parent,
        tags: [], volumes: [volume], attachments: [], host: "test", program: "test"))
  }

  // MARK: - Reading back

  /// One record, its id computed again.
  package func read(_ id: ContentID, type: RecordType) throws -> [UInt8] {
    let content = try RecordReader(store: repository.records).read(id, type: type)
    guard try self.id(of: content, type: type) == id else { throw WrongContent(id: id) }
    return content
  }

  package func map(of entry: RevisionEntry) throws -> (id: ContentID, node: MapNode) {
    let root = entry.revision.volumes[0].root
    return (root, try MapNode(encoded: read(root, type: .mapNode)))
  }

  /// The disk that a revision holds.
  package func disk(of id: RevisionID) throws -> TestDisk {
    let node = try map(of: repository.revision(id)).node
    return TestDisk(
      chunks: try node.children.filter { !$0.isHole }.map { try read($0, type: .chunk) })
  }

  private struct WrongContent: Error { let id: ContentID }
}

/// What is backed up: up to 256 chunks.
package struct TestDisk: Equatable, Sendable {
  package var chunks: [[UInt8]]

  package init(chunks: [[UInt8]]) { self.chunks = chunks }

  /// Chunks that do not compress and that only this seed makes.
  package init(chunks count: Int, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    chunks = (0..<count).map { _ in random.bytes(TestStore.chunkBytes) }
  }

  /// The disk with a few bytes of chunk `number` changed.
  package func touching(_ number: Int, with byte: UInt8) -> TestDisk {
    var disk = self
    for offset in stride(from: 100, to: 1_000, by: 300) { disk.chunks[number][offset] ^= byte }
    return disk
  }
}
