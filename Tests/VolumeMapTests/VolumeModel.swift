import ChunkFormat
import TestSupport
import VolumeMap

/// A volume as a dictionary. Tests compare maps with it.
struct VolumeModel: Equatable {
  static let chunkSizeBytes = 4096

  var sizeBytes: UInt64
  var chunks: [ChunkNumber: ContentID] = [:]

  var geometry: MapGeometry {
    get throws { try MapGeometry(sizeBytes: sizeBytes, chunkSizeBytes: Self.chunkSizeBytes) }
  }

  /// A volume of `chunkCount` chunks.
  init(chunkCount: UInt64) {
    sizeBytes = chunkCount * UInt64(Self.chunkSizeBytes)
  }

  /// Builds the map with the same calls as a full backup: appends every chunk, leaves out holes.
  func build(in nodes: RecordingNodes, parent: MapRoot? = nil) throws -> MapRoot {
    var builder = try MapBuilder(
      chunkSizeBytes: Self.chunkSizeBytes, writer: nodes, parent: parent, reading: nodes)
    for (number, id) in chunks.sorted(by: { $0.key < $1.key }) {
      try builder.append(id, at: number)
    }
    return try builder.finish(sizeBytes: sizeBytes)
  }

  /// The runs that a map of this volume must have, computed chunk by chunk.
  func runs(in range: Range<ChunkNumber>) -> [MapRun] {
    var runs: [MapRun] = []
    var holes: UInt64 = 0
    for number in range {
      guard let id = chunks[number] else {
        holes += 1
        continue
      }
      if holes > 0 { runs.append(.hole(chunks: holes)) }
      holes = 0
      runs.append(.chunk(id))
    }
    return holes > 0 ? runs + [.hole(chunks: holes)] : runs
  }

  /// Writes a few stretches of new content and a few holes, and sometimes changes the size.
  mutating func edit(with random: inout SeededRandom) throws {
    for _ in 0..<Int.random(in: 1...5, using: &random) where try geometry.chunkCount > 0 {
      let end = try geometry.endChunk
      let start = ChunkNumber.random(in: 0..<end, using: &random)
      let length = UInt64.random(
        in: 1...[1, 3, 300].randomElement(using: &random)!, using: &random)
      let becomesHole = Bool.random(using: &random)
      for number in start..<min(start + length, end) {
        chunks[number] = becomesHole ? nil : .chunk(random.next())
      }
    }
    if Int.random(in: 0..<3, using: &random) == 0 {
      try resize(toChunks: UInt64.random(in: 0...70_000, using: &random))
    }
  }

  mutating func resize(toChunks count: UInt64) throws {
    sizeBytes = count * UInt64(Self.chunkSizeBytes)
    chunks = chunks.filter { $0.key.value < count }
  }
}

extension MapRoot {
  /// All runs of `range`.
  func runs(in range: Range<ChunkNumber>, of nodes: any NodeReading) throws -> [MapRun] {
    var iterator = try MapRuns(of: range, in: self, reading: nodes)
    var runs: [MapRun] = []
    while let run = try iterator.next() { runs.append(run) }
    return runs
  }

  /// All runs of a difference; if `range` is given, only in these chunks.
  func difference(
    to new: MapRoot, within range: Range<ChunkNumber>? = nil, of nodes: any NodeReading
  ) throws -> [MapDifference.Run] {
    var difference = try MapDifference(from: self, to: new, within: range, reading: nodes)
    var runs: [MapDifference.Run] = []
    while let run = try difference.next() { runs.append(run) }
    return runs
  }
}

extension ChunkNumber {
  static func random(in range: Range<Self>, using random: inout SeededRandom) -> Self {
    Self(UInt64.random(in: range.lowerBound.value..<range.upperBound.value, using: &random))
  }
}
