import ChunkFormat
import ChunkStore
import FileIO
import LocalObjects
import NIOCore
import StoreTestSupport
import SystemPackage
import TestSupport
import Testing
import VolumeMap
import VolumeReader

/// Volumes in a real repository on disk.
@Suite(.timeLimit(.minutes(2))) struct StoreReadingTests {
  private static let chunk = 64 << 10

  private let directory: TemporaryDirectory
  private let repository: Repository
  private let bytes: [UInt8]
  private let map: MapRoot
  private let ids: [ContentID]

  /// Creates 40 chunks in packs of about 8 chunks. Chunk 30 is stored as a delta of chunk 3.
  init() throws {
    directory = try TemporaryDirectory()
    var environment = RepositoryEnvironment(storage: LocalObjects.opener())
    environment.indexDirectory = directory.appending("index")
    environment.packTargetBytes = 8 * Self.chunk
    var settings = RepositorySettings()
    settings.chunkSizeBytes = Self.chunk
    repository = try Repository.create(
      at: directory.appending("repository"), settings: settings, firstKey: nil,
      environment: environment, context: .testing())
    var random = SeededRandom(seed: 17)
    var bytes = random.bytes(40 * Self.chunk)
    bytes.replaceSubrange(
      30 * Self.chunk..<31 * Self.chunk, with: Array(bytes[3 * Self.chunk..<4 * Self.chunk]))
    bytes[30 * Self.chunk] ^= 1
    self.bytes = bytes
    let session = try repository.beginWriting("test", pinned: [], context: .testing())
    (map, ids) = try Self.store(
      bytes, through: session.writer, in: TestStore(repository, environment))
    try session.writer.flush()
  }

  private static func store(
    _ bytes: [UInt8], through writer: RecordWriter, in store: TestStore
  ) throws -> (MapRoot, [ContentID]) {
    let hasher = try ContentHasher(idKey: nil)
    let compressor = try Compressor(method: .standard)
    var builder = try MapBuilder(
      chunkSizeBytes: chunk, writer: store.nodeWriter(writer),
      reading: NoNodes())
    var ids: [ContentID] = []
    try bytes.withUnsafeBytes { bytes in
      func content(_ number: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[number * chunk..<(number + 1) * chunk])
      }
      for number in 0..<40 {
        let id = try hasher.id(of: content(number), type: .chunk)
        let delta =
          try number == 30
          ? PreparedRecord(
            deltaOf: content(30), id: id, type: .chunk, base: ids[3], baseContent: content(3),
            compressor: compressor) : nil
        try writer.append(
          try delta
            ?? PreparedRecord(
              standalone: content(number), id: id, type: .chunk, compressor: compressor))
        try builder.append(id, at: ChunkNumber(UInt64(number)))
        ids.append(id)
      }
    }
    return (try builder.finish(sizeBytes: UInt64(bytes.count)), ids)
  }

  private func reader() throws -> VolumeReader {
    let source = StoreRecords(repository.records)
    return VolumeReader(
      name: "web01/vda", map: map, nodes: NodeCache(reading: MapNodeReader(source: source)),
      fetcher: try ChunkFetcher(source: source, chunkSizeBytes: Self.chunk))
  }

  private func range(ofChunk number: Int) -> Range<UInt64> {
    map.geometry.bytes(ofChunk: ChunkNumber(UInt64(number)))
  }

  /// Whether `reader` returns the bytes that were stored.
  private func reads(_ reader: VolumeReader, _ range: Range<UInt64>) throws -> Bool {
    var position = Int(range.lowerBound)
    for case .data(let content) in try reader.content(of: range) {
      let end = position + content.readableBytes
      guard Array(content.readableBytesView) == Array(bytes[position..<end]) else { return false }
      position = end
    }
    return position == range.upperBound
  }

  private func path(ofPackOf id: ContentID) throws -> FilePath {
    let pack = try #require(try repository.records.locate([id])[0]).pack
    let files = POSIXFileSystem()
    let root = directory.appending("repository")
    func search(_ directory: FilePath) throws -> FilePath? {
      for entry in try files.list(directory) {
        let path = directory.appending(entry.name)
        if entry.name == pack.id.description { return path }
        if entry.kind == .directory, let found = try search(path) { return found }
      }
      return nil
    }
    return try #require(try search(root))
  }

  @Test("a whole volume is read in pieces and as a stream") func whole() throws {
    let reader = try reader()
    for start in stride(from: 0, to: bytes.count, by: 1_000_003) {
      let end = min(start + 1_000_003, bytes.count)
      #expect(try reads(reader, UInt64(start)..<UInt64(end)))
    }
    let source = StoreRecords(repository.records)
    let stream = SequentialReader(
      name: "web01/vda", map: map, nodes: MapNodeReader(source: source),
      source: source)
    var position = 0
    try stream.read { content in
      guard case .data(let range, let content, _) = content else { return }
      let isRight = Array(content) == Array(bytes[position..<position + range.count])
      #expect(isRight)
      position += range.count
    }
    #expect(position == bytes.count)
  }

  @Test("reads from a missing pack fail and name it; all others succeed")
  func lostPack() throws {
    let lost = try path(ofPackOf: ids[3])
    try POSIXFileSystem().remove(lost)
    let reader = try reader()
    for number in [3, 30] {
      do throws(VolumeReadError) {
        _ = try reader.content(of: range(ofChunk: number))
        Issue.record("chunk \(number) was read")
      } catch {
        #expect(error.code == .missing)
        #expect(error.range == range(ofChunk: number))
        // Once the pack is known to be missing, no index says where its chunks were.
        #expect(number == 30 || error.pack?.description == lost.lastComponent?.string)
      }
    }
    #expect(try reads(reader, range(ofChunk: 20)))
  }

  @Test("records that moved to another pack are found again") func movedPack() throws {
    let reader = try reader()
    #expect(try reads(reader, range(ofChunk: 20)))
    let old = try path(ofPackOf: ids[3])
    var environment = RepositoryEnvironment(storage: LocalObjects.opener())
    environment.indexDirectory = directory.appending("other-index")
    let other = try Repository.open(
      at: directory.appending("repository"), environment: environment
    ) { throw StoreError(.wrongKey, "not encrypted") }
    try POSIXFileSystem().remove(old)
    let session = try other.beginWriting("test", pinned: [], context: .testing())
    _ = try Self.store(bytes, through: session.writer, in: TestStore(other, environment))
    try session.writer.flush()
    #expect(try reads(reader, range(ofChunk: 3)))
    #expect(try reads(reader, range(ofChunk: 30)))
  }

  @Test("a flipped bit in a pack is reported as damage") func flippedBit() throws {
    let location = try #require(try repository.records.locate([ids[12]])[0])
    let file = try POSIXFileSystem().openFile(
      path(ofPackOf: ids[12]), for: .readingAndWriting)
    let place = location.entry.rangeInPack.upperBound - 100
    var byte: [UInt8] = [0]
    _ = try byte.withUnsafeMutableBytes { try file.read(into: $0, at: place) }
    byte[0] ^= 4
    try byte.withUnsafeBytes { try file.write($0, at: place) }
    let reader = try reader()
    do throws(VolumeReadError) {
      _ = try reader.content(of: range(ofChunk: 12))
      Issue.record("the chunk was read")
    } catch {
      #expect(error.code == .damaged)
      #expect(error.pack == location.pack.id)
    }
    #expect(try reads(reader, range(ofChunk: 11)))
    #expect(try reads(reader, range(ofChunk: 13)))
  }
}

/// Fails every read, because there is no parent to read.
private struct NoNodes: NodeReading {
  func readNode(_ id: ContentID) throws -> MapNode {
    throw MapError(.unreadableNode, "there are no nodes")
  }
}
