import ChunkFormat
import ChunkStore
import VolumeMap
import VolumeReader
import VolumeTargets
import Workers

/// Reads a target back and compares it with a map: chunks by their ids, holes with zeros.
struct TargetVerification {
  /// Holes are read in pieces of this length.
  private static let holeBytes: UInt64 = 4 << 20

  let repository: Repository
  let map: MapRoot
  let target: any RestoreTarget
  /// The ranges with the fill pattern.
  let gaps: [Range<UInt64>]
  let meter: WorkMeter
  let cancellation: CancellationFlag

  private struct Piece: Sendable {
    let bytes: Range<UInt64>
    let id: ContentID
  }

  /// Compares the whole target.
  ///
  /// - Throws: ``EngineError`` with `.notIdentical` at the first difference.
  func run() throws {
    let checkIDKey = repository.keys?.idKey
    try OrderedPipeline.run(
      workers: processorCount(), window: 4 * processorCount(), name: "compare",
      cancellation: cancellation,
      makeWorker: { try ContentHasher(idKey: checkIDKey) },
      produce: { sink in try produce(sink) },
      transform: { hasher, piece in
        try check(piece, hasher)
        return piece.bytes.upperBound
      },
      consume: { meter.advance(to: $0) })
  }

  private func produce(_ sink: (Piece) throws -> Void) throws {
    let nodes = NodeCache(reading: repository.nodeReader)
    var cursor = MapCursor(map, reading: nodes)
    var chunk: ChunkNumber = 0
    while chunk < map.geometry.endChunk {
      let span = try cursor.span(containing: chunk)
      if span.leaf == nil {
        let hole = map.geometry.bytes(ofChunks: chunk..<span.chunks.upperBound)
        var start = try target.nextData(from: hole.lowerBound)
        while start < hole.upperBound {
          let end = min(start + Self.holeBytes, hole.upperBound)
          try put(start..<end, .hole, sink)
          start = try target.nextData(from: end)
        }
      } else {
        for number in chunk..<span.chunks.upperBound {
          try put(map.geometry.bytes(ofChunk: number), span[number], sink)
        }
      }
      chunk = span.chunks.upperBound
    }
  }

  private func put(
    _ bytes: Range<UInt64>, _ id: ContentID, _ sink: (Piece) throws -> Void
  ) throws {
    guard !gaps.contains(where: { $0.overlaps(bytes) }) else { return }
    try sink(Piece(bytes: bytes, id: id))
  }

  private func check(_ piece: Piece, _ hasher: ContentHasher) throws {
    let content = try [UInt8](unsafeUninitializedCapacity: piece.bytes.count) { buffer, count in
      try target.read(into: UnsafeMutableRawBufferPointer(buffer), at: piece.bytes.lowerBound)
      count = piece.bytes.count
    }
    let isRight = try content.withUnsafeBytes { bytes in
      piece.id.isHole ? bytes.isAllZeros : try hasher.id(of: bytes, type: .chunk) == piece.id
    }
    guard isRight else {
      throw EngineError(
        .notIdentical,
        "\(target.name): \(piece.bytes.count) bytes at offset \(piece.bytes.lowerBound) do not read "
          + "back as they were written: the target is faulty, or something else writes to it")
    }
  }
}
