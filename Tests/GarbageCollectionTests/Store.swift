import BackupEngine
import ChunkFormat
import ChunkStore
import EngineTestSupport
import FileIO
import GarbageCollection
import LocalObjects
import SystemPackage
import TestSupport
import Testing
import Workers

/// A repository whose chunks are identified by numbers.
struct Store {
  static let chunkBytes = 64 << 10

  let workplace: Workplace
  let repository: Repository
  let environment: RepositoryEnvironment
  var context: WorkContext { workplace.context }
  var root: FilePath { repository.root }

  init(encrypted: Bool = false) throws {
    workplace = try Workplace(encrypted: encrypted, chunkSizeBytes: Self.chunkBytes, inMemory: true)
    (repository, environment) = (workplace.repository, workplace.environment)
  }

  private init(_ workplace: Workplace, _ environment: RepositoryEnvironment) throws {
    self.workplace = workplace
    self.environment = environment
    repository = try Repository.open(at: workplace.repository.root, environment: environment) {
      Workplace.passphrase
    }
  }

  /// Returns the same repository with a new index.
  func withoutIndex() throws -> Store {
    var environment = environment
    environment.indexDirectory = workplace.directory.path.appending("another index")
    return try Store(workplace, environment)
  }

  /// Returns the same repository on a disk without space for another pack.
  func onFullDisk() throws -> Store { try on(FullFileSystem()) }

  /// Returns the same repository as another process with another view of the file system opens it.
  func on(_ fileSystem: any FileSystem) throws -> Store {
    var environment = environment
    environment.storage = LocalObjects.opener(on: fileSystem)
    return try Store(workplace, environment)
  }

  func chunk(_ number: Int) -> [UInt8] {
    var random = SeededRandom(seed: UInt64(number))
    return random.bytes(Self.chunkBytes)
  }

  /// Returns chunks with one changed byte each, so that they are stored as deltas of the original
  /// chunks.
  func changedBytes(_ numbers: Range<Int>) -> [UInt8] {
    var bytes = bytes(numbers)
    for byte in stride(from: 77, to: bytes.count, by: Self.chunkBytes) { bytes[byte] ^= 0xff }
    return bytes
  }

  /// Returns the first chunk, with another byte at an offset.
  func variant(_ offsetBytes: Int) -> [UInt8] {
    var bytes = chunk(0)
    bytes[offsetBytes] ^= 0xff
    return bytes
  }

  func bytes(_ numbers: Range<Int>) -> [UInt8] { numbers.flatMap { chunk($0) } }

  func chunkID(_ number: Int) throws -> ContentID {
    try chunk(number).withUnsafeBytes {
      try ContentHasher(idKey: repository.keys?.idKey).id(of: $0, type: .chunk)
    }
  }

  @discardableResult
  func backUp(chunks: Range<Int>, job: String = "web01") throws -> RevisionID {
    try backUp(bytes: bytes(chunks), job: job)
  }

  @discardableResult
  func backUp(order: [Int]) throws -> RevisionID {
    try backUp(bytes: order.flatMap { chunk($0) })
  }

  func backUp(bytes: [UInt8], job: String = "web01") throws -> RevisionID {
    try workplace.backUp(try workplace.disk("disk.raw", bytes), job: job).id
  }

  /// Begins a writing session that stays open until it is ended.
  func beginLongBackup() throws -> WritingSession {
    try repository.beginWriting("a long backup", pinned: [], context: .testing())
  }

  /// Stores every chunk of `bytes` again, without a base.
  func storeAlone(_ bytes: [UInt8]) throws {
    let writing = try repository.beginWriting("test", pinned: [], context: .testing())
    defer { writing.end() }
    let (hasher, compressor) = (
      try ContentHasher(idKey: repository.keys?.idKey), try Compressor(method: .none)
    )
    for start in stride(from: 0, to: bytes.count, by: Self.chunkBytes) {
      try bytes[start..<start + Self.chunkBytes].withUnsafeBytes { chunk in
        let id = try hasher.id(of: chunk, type: .chunk)
        let record = try PreparedRecord(
          standalone: chunk, id: id, type: .chunk, compressor: compressor)
        try writing.writer.append(record, isReplacement: true)
      }
    }
    try writing.writer.flush()
  }

  /// Stores a chunk again, as a delta of another stored chunk.
  func store(_ chunk: [UInt8], asDeltaOf base: [UInt8]) throws {
    let writing = try repository.beginWriting("test", pinned: [], context: .testing())
    defer { writing.end() }
    let hasher = try ContentHasher(idKey: repository.keys?.idKey)
    let compressor = try Compressor(method: repository.configuration.compression)
    let record = try chunk.withUnsafeBytes { chunk in
      try base.withUnsafeBytes { base in
        try PreparedRecord(
          deltaOf: chunk, id: try hasher.id(of: chunk, type: .chunk), type: .chunk,
          base: try hasher.id(of: base, type: .chunk), baseContent: base, compressor: compressor)
      }
    }
    try writing.writer.append(try #require(record), isReplacement: true)
    try writing.writer.flush()
  }

  func forget(_ id: RevisionID) throws { try repository.forget([id]) }

  @discardableResult
  func collect(
    _ change: (inout CollectionSettings) -> Void = { _ in }
  ) throws -> CollectionReport {
    var settings = CollectionSettings()
    change(&settings)
    return try GarbageCollection(
      repository: repository, settings: settings, context: context
    ).run()
  }

  func content(of id: RevisionID) throws -> [UInt8] {
    try content(of: try repository.revision(id))
  }

  func content(of entry: RevisionEntry) throws -> [UInt8] {
    let reader = try RecordReader(store: repository.records)
    let volume = entry.revision.volumes[0]
    let node = try MapNode(
      encoded: try reader.read(volume.root, type: .mapNode))
    return try node.children.filter { !$0.isHole }.flatMap { try reader.read($0, type: .chunk) }
  }

  func packBytes() throws -> UInt64 {
    try (workplace.packs("data") + workplace.packs("maps")).reduce(0) {
      try $0 + POSIXFileSystem().metadata(of: $1).sizeBytes
    }
  }

  func overwrite(_ path: FilePath, at offsetBytes: UInt64, _ bytes: [UInt8]) throws {
    let file = try POSIXFileSystem().openFile(path, for: .readingAndWriting)
    defer { file.close() }
    try bytes.withUnsafeBytes { try file.write($0, at: offsetBytes) }
  }
}

/// The real file system, without space for another pack.
private struct FullFileSystem: ForwardingFileSystem {
  let base = POSIXFileSystem()

  func createFile(
    _ path: FilePath, permissions: FilePermissions
  ) throws(FileError) -> any OpenFile {
    guard !path.string.contains("/packs/") else {
      throw FileError(operation: "create", path: path, errno: .noSpace)
    }
    return try base.createFile(path, permissions: permissions)
  }
}
