import ChunkFormat
import Glibc
import NIOCore
import TestSupport
import VolumeMap
import VolumeReader

/// A volume with known bytes, stored as a backup stores it: chunks in the order of the volume,
/// changed chunks as deltas, map nodes in separate packs.
final class SampleVolume: NodeWriting {
  static let chunkSizeBytes = 64 << 10

  let library: PackLibrary
  private(set) var bytes: [UInt8]
  private(set) var map: MapRoot
  /// The ids of the chunks; `.hole` for holes.
  private(set) var ids: [ContentID] = []
  /// For each chunk that is a delta or may be a base: the full record that serves as the base.
  private var bases: [ContentID: (id: ContentID, content: [UInt8])] = [:]
  private var waitingNodes: [PreparedRecord] = []
  private let hasher: ContentHasher
  private let compressor: Compressor

  /// Creates the first revision from `bytes`, in packs of `chunksPerPack` chunks.
  init(_ bytes: [UInt8], in library: PackLibrary, chunksPerPack: Int = 16) throws {
    self.library = library
    self.bytes = bytes
    hasher = try ContentHasher(idKey: library.keys?.idKey)
    compressor = try Compressor(method: .standard)
    let empty = try MapGeometry(sizeBytes: 0, chunkSizeBytes: Self.chunkSizeBytes)
    map = try MapRoot(id: .hole, geometry: empty)
    try store(chunksPerPack: chunksPerPack, parent: nil)
  }

  /// Creates the next revision, with a few bytes changed in each of the chunks `numbers`.
  func change(_ numbers: some Sequence<Int>, to value: UInt8, chunksPerPack: Int = 16) throws {
    for number in numbers {
      for index in 0..<64 { bytes[number * Self.chunkSizeBytes + 1000 + index] = value }
    }
    try store(chunksPerPack: chunksPerPack, parent: map)
  }

  /// Returns bytes that differ between chunks and that zstd can compress. `holes` are chunks of
  /// zeros.
  static func content(
    sizeBytes: Int, holes: Range<Int>..., random: inout SeededRandom
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < sizeBytes {
      bytes += random.bytes(512)
      bytes += Array(repeating: UInt8.random(in: 1...255, using: &random), count: 7680)
    }
    bytes.removeLast(bytes.count - sizeBytes)
    for chunk in holes.joined() where chunk * chunkSizeBytes < sizeBytes {
      let end = min((chunk + 1) * chunkSizeBytes, sizeBytes)
      bytes.replaceSubrange(
        chunk * chunkSizeBytes..<end, with: Array(repeating: 0, count: end - chunk * chunkSizeBytes)
      )
    }
    return bytes
  }

  func writeNode(_ node: MapNode, replacing previous: ContentID?) throws -> ContentID {
    try node.encoded().withUnsafeBytes { bytes in
      let id = try hasher.id(of: bytes, type: .mapNode)
      waitingNodes.append(
        try PreparedRecord(standalone: bytes, id: id, type: .mapNode, compressor: compressor))
      return id
    }
  }

  private func store(chunksPerPack: Int, parent: MapRoot?) throws {
    let previous = ids
    ids = []
    var records: [PreparedRecord] = []
    var builder = try MapBuilder(
      chunkSizeBytes: Self.chunkSizeBytes, writer: self, parent: parent,
      reading: MapNodeReader(source: library))
    for start in stride(from: 0, to: bytes.count, by: Self.chunkSizeBytes) {
      let chunk = Array(bytes[start..<min(start + Self.chunkSizeBytes, bytes.count)])
      let number = start / Self.chunkSizeBytes
      let id = try id(of: chunk)
      ids.append(id)
      try builder.append(id, at: ChunkNumber(UInt64(number)))
      if id.isHole || bases[id] != nil { continue }
      records.append(
        try record(chunk, id, after: number < previous.count ? previous[number] : .hole))
      if records.count == chunksPerPack {
        try library.store(records)
        records = []
      }
    }
    if !records.isEmpty { try library.store(records) }
    map = try builder.finish(sizeBytes: UInt64(bytes.count))
    if !waitingNodes.isEmpty { try library.store(waitingNodes, kind: .mapPack) }
    waitingNodes = []
  }

  private func id(of chunk: [UInt8]) throws -> ContentID {
    guard chunk.contains(where: { $0 != 0 }) else { return .hole }
    return try chunk.withUnsafeBytes { try hasher.id(of: $0, type: .chunk) }
  }

  private func record(
    _ chunk: [UInt8], _ id: ContentID, after previous: ContentID
  ) throws -> PreparedRecord {
    try chunk.withUnsafeBytes { bytes in
      if let base = bases[previous],
        let delta = try base.content.withUnsafeBytes({ content in
          try PreparedRecord(
            deltaOf: bytes, id: id, type: .chunk, base: base.id, baseContent: content,
            compressor: compressor)
        })
      {
        bases[id] = base
        return delta
      }
      bases[id] = (id, chunk)
      return try PreparedRecord(
        standalone: bytes, id: id, type: .chunk, compressor: compressor)
    }
  }
}

extension SampleVolume {
  /// Returns a fetcher with its own cache.
  func fetcher(_ change: (inout ChunkFetcher.Limits) -> Void = { _ in }) throws -> ChunkFetcher {
    var limits = ChunkFetcher.Limits()
    change(&limits)
    return try ChunkFetcher(
      source: library, chunkSizeBytes: Self.chunkSizeBytes, limits: limits)
  }

  /// Returns a reader of the newest revision. Nothing is cached.
  func reader(fetcher: ChunkFetcher? = nil) throws -> VolumeReader {
    VolumeReader(
      name: "web01/vda", map: map, nodes: NodeCache(reading: MapNodeReader(source: library)),
      fetcher: try fetcher ?? self.fetcher())
  }

  func sequentialReader() -> SequentialReader {
    SequentialReader(
      name: "web01/vda", map: map, nodes: MapNodeReader(source: library), source: library)
  }

  /// Returns the byte range of chunk `number`.
  func range(ofChunk number: Int) -> Range<UInt64> {
    map.geometry.bytes(ofChunk: ChunkNumber(UInt64(number)))
  }

  /// Returns the volume's bytes in `range`.
  func bytes(at range: Range<UInt64>) -> [UInt8] {
    Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
  }
}

extension SampleVolume {
  /// Whether `pieces` have exactly the content of the volume in `range`.
  func holds(_ pieces: [VolumePiece]?, at range: Range<UInt64>) -> Bool {
    Self.holds(pieces, bytes, at: range)
  }

  /// Whether `pieces` have exactly the content of `bytes` in `range`.
  static func holds(
    _ pieces: [VolumePiece]?, _ bytes: [UInt8], at range: Range<UInt64>
  ) -> Bool {
    var position = Int(range.lowerBound)
    for piece in pieces ?? [] {
      let end = position + Int(piece.lengthBytes)
      guard end <= Int(range.upperBound) else { return false }
      let isRight = bytes[position..<end].withUnsafeBytes { expected in
        switch piece {
        case .hole: expected.allSatisfy { $0 == 0 }
        case .data(let content):
          content.withUnsafeReadableBytes {
            memcmp($0.baseAddress!, expected.baseAddress!, expected.count) == 0
          }
        }
      }
      guard isRight else { return false }
      position = end
    }
    return pieces != nil && position == Int(range.upperBound)
  }
}
