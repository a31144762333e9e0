import ChunkFormat
import FileIO
import LocalObjects
import SystemPackage
import TestSupport
import Testing

@testable import ChunkStore

@Suite("Packs whose footer is damaged")
struct PackScanTests {
  private let directory: TemporaryDirectory
  private let repository: Repository
  private let hasher: ContentHasher

  init() throws {
    directory = try TemporaryDirectory()
    var settings = RepositorySettings()
    settings.compression = .none
    repository = try Repository.create(
      at: directory.appending("repository"), settings: settings, firstKey: nil,
      environment: RepositoryEnvironment(storage: LocalObjects.opener()), context: .testing())
    hasher = try ContentHasher(idKey: nil)
  }

  private func id(of content: [UInt8]) throws -> ContentID {
    try content.withUnsafeBytes { try hasher.id(of: $0, type: .chunk) }
  }

  private func record(_ content: [UInt8], id: ContentID) throws -> PreparedRecord {
    let compressor = try Compressor(method: .none)
    return try content.withUnsafeBytes {
      try PreparedRecord(standalone: $0, id: id, type: .chunk, compressor: compressor)
    }
  }

  /// Stores contents in one pack and returns the pack's path.
  private func store(_ contents: [[UInt8]]) throws -> FilePath {
    let writing = try repository.beginWriting(
      "test", pinned: [], context: .testing())
    for content in contents {
      try writing.writer.append(try record(content, id: try id(of: content)))
    }
    try writing.writer.flush()
    writing.end()
    let data = repository.root.appending("packs").appending("data")
    let shard = try #require(try POSIXFileSystem().list(data).first { $0.kind == .directory })
    let pack = try #require(try POSIXFileSystem().list(data.appending(shard.name)).first)
    return data.appending(shard.name).appending(pack.name)
  }

  private func spoil(_ path: FilePath, at offsets: [UInt64]) throws {
    let file = try POSIXFileSystem().openFile(path, for: .readingAndWriting)
    defer { file.close() }
    for offset in offsets { try file.write([0x55, 0x55, 0x55, 0x55], at: offset) }
  }

  @Test("Every record is found again, also behind a damaged header")
  func recovery() throws {
    var random = SeededRandom(seed: 11)
    let contents = (0..<5).map { _ in random.bytes(10_000) }
    let pack = try store(contents)
    let length = try POSIXFileSystem().metadata(of: pack).sizeBytes
    try spoil(pack, at: [64 + 2 * 10_072, length - 20])
    let changes = try repository.rebuildIndex { _ in }
    #expect(changes.damaged.map(\.pack.description) == [pack.lastComponent?.string])
    let located = try repository.records.locate(contents.map { try id(of: $0) })
    #expect(located.map { $0 != nil } == [true, true, false, true, true])
  }

  @Test("A record that a guest wrote into its disk is not taken for one of the store's")
  func forgery() throws {
    var random = SeededRandom(seed: 12)
    let victim = try id(of: random.bytes(5_000))
    let encoder = try PackEncoder(
      kind: .dataPack, repository: repository.configuration.id, keys: nil)
    try encoder.append(try record(random.bytes(3_000), id: victim))
    let forged = try encoder.takeBytes().dropFirst(FileHeader.lengthBytes)
    let guest = random.bytes(2_000) + forged + random.bytes(2_000)
    let pack = try store([guest, random.bytes(4_000)])
    let length = try POSIXFileSystem().metadata(of: pack).sizeBytes
    try spoil(pack, at: [64, length - 20])
    let changes = try repository.rebuildIndex { _ in }
    #expect(changes.records == 1)
    #expect(try repository.records.locate([victim])[0] == nil)
  }
}
