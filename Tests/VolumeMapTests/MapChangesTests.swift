import ChunkFormat
import TestSupport
import Testing
import VolumeMap

/// The changes in a volume since another revision of it.
@Suite struct MapChangesTests {
  private static let chunk = UInt64(VolumeModel.chunkSizeBytes)
  private let nodes = RecordingNodes()

  /// A volume of `count` chunks and some bytes, without holes.
  private func full(_ count: UInt64, extraBytes: UInt64 = 0) throws -> VolumeModel {
    var model = VolumeModel(chunkCount: count)
    model.sizeBytes += extraBytes
    for number in 0..<(try model.geometry.endChunk) {
      model.chunks[number] = .chunk(number.value + 1)
    }
    return model
  }

  private func changes(
    from old: VolumeModel, to new: VolumeModel, in range: Range<UInt64>? = nil,
    limit: Int = .max, leafLimit: Int = .max
  ) throws -> [ChangeExtent] {
    let (oldMap, newMap) = (try old.build(in: nodes), try new.build(in: nodes))
    nodes.forgetCounts()
    return try newMap.changes(
      since: oldMap, in: range ?? 0..<new.sizeBytes, limit: limit, leafLimit: leafLimit,
      reading: nodes)
  }

  @Test("the changes match the chunks", arguments: 1...40 as ClosedRange<UInt64>)
  func randomEdits(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    var old = VolumeModel(chunkCount: UInt64.random(in: 0...70_000, using: &random))
    for _ in 0..<4 { try old.edit(with: &random) }
    old.sizeBytes += UInt64.random(in: 0..<Self.chunk, using: &random)
    var new = old
    for _ in 0..<3 { try new.edit(with: &random) }
    new.sizeBytes += UInt64.random(in: 0..<Self.chunk, using: &random)
    // A last chunk of another length has other content.
    for model in [old, new] {
      let number = ChunkNumber(model.sizeBytes / Self.chunk)
      guard model.chunks[number] != nil, new.chunks[number] != nil,
        old.sizeBytes != new.sizeBytes
      else { continue }
      new.chunks[number] = .chunk(random.next())
    }
    let start = UInt64.random(in: 0...new.sizeBytes, using: &random)
    let range = start..<UInt64.random(in: start...new.sizeBytes, using: &random)
    let extents = try changes(from: old, to: new, in: range)
    try expect(extents, tile: range, "seed \(seed)")
    for extent in extents {
      try expect(extent, from: old, to: new, "seed \(seed)")
    }
    let few = try changes(from: old, to: new, in: range, limit: 2)
    #expect(few == Array(extents.prefix(2)), "seed \(seed)")
  }

  private func expect(
    _ extents: [ChangeExtent], tile range: Range<UInt64>, _ comment: Comment
  ) throws {
    var position = range.lowerBound
    for (extent, next) in zip(extents, extents.dropFirst().map(Optional.some) + [nil]) {
      try #require(extent.offsetBytes == position && extent.lengthBytes > 0, comment)
      try #require(extent.change != next?.change, comment)
      position += extent.lengthBytes
    }
    #expect(position == range.upperBound, comment)
  }

  /// Compares an extent with the chunks of both volumes.
  private func expect(
    _ extent: ChangeExtent, from old: VolumeModel, to new: VolumeModel, _ comment: Comment
  ) throws {
    let bytes = extent.offsetBytes..<extent.offsetBytes + extent.lengthBytes
    for number in try new.geometry.chunks(holding: bytes) {
      let part = try new.geometry.bytes(ofChunk: number).clamped(to: bytes)
      for position in [part.lowerBound, part.upperBound - 1] {
        let isSame = position < old.sizeBytes && old.chunks[number] == new.chunks[number]
        let expected: ChangeExtent.Change =
          isSame ? .none : new.chunks[number] == nil ? .zeros : .data
        try #require(extent.change == expected, comment)
      }
    }
  }

  @Test("all bytes beyond the old end are new, zeros included") func grown() throws {
    let old = try full(10, extraBytes: 100)
    var new = old
    new.sizeBytes = 500 * Self.chunk
    new.chunks[10] = nil
    new.chunks[400] = .chunk(1000)
    #expect(
      try changes(from: old, to: new) == [
        ChangeExtent(offsetBytes: 0, lengthBytes: 10 * Self.chunk, change: .none),
        ChangeExtent(offsetBytes: 10 * Self.chunk, lengthBytes: 390 * Self.chunk, change: .zeros),
        ChangeExtent(offsetBytes: 400 * Self.chunk, lengthBytes: Self.chunk, change: .data),
        ChangeExtent(offsetBytes: 401 * Self.chunk, lengthBytes: 99 * Self.chunk, change: .zeros),
      ])
    // The old end is in the middle of a chunk that is a hole in both maps.
    var hole = old
    hole.chunks[10] = nil
    #expect(
      try changes(from: hole, to: new, in: 0..<20 * Self.chunk) == [
        ChangeExtent(offsetBytes: 0, lengthBytes: 10 * Self.chunk + 100, change: .none),
        ChangeExtent(
          offsetBytes: 10 * Self.chunk + 100, lengthBytes: 10 * Self.chunk - 100, change: .zeros),
      ])
  }

  @Test("a part that was cut off is not reported") func shrunk() throws {
    let old = try full(1000)
    var new = old
    try new.resize(toChunks: 300)
    #expect(
      try changes(from: old, to: new)
        == [ChangeExtent(offsetBytes: 0, lengthBytes: 300 * Self.chunk, change: .none)])
  }

  @Test("an unchanged volume costs no reads") func same() throws {
    let model = try full(70_000)
    #expect(try changes(from: model, to: model, limit: 1).count == 1)
    #expect(nodes.reads.isEmpty)
  }

  @Test("volumes with nothing in common are compared in limited steps") func bounded() throws {
    let old = try full(2560)
    var new = old
    new.chunks = old.chunks.mapValues { _ in .chunk(5000) }
    let extents = try changes(
      from: old, to: new, in: 100..<new.sizeBytes, limit: 1, leafLimit: 3)
    #expect(
      extents == [
        ChangeExtent(offsetBytes: 100, lengthBytes: 3 * 256 * Self.chunk - 100, change: .data)
      ])
    #expect(nodes.reads.count == 2 + 2 * 3)
  }

  @Test("a range outside the volume is refused") func outside() throws {
    let model = try full(3)
    let error = #expect(throws: MapError.self) {
      try changes(from: model, to: model, in: 0..<model.sizeBytes + 1)
    }
    #expect(error?.code == .invalidArgument)
  }
}
