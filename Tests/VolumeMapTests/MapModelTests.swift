import ChunkFormat
import Testing
import TestSupport
import VolumeMap

/// Compares maps with a dictionary: reading, walking and comparing maps must give the chunks that
/// were written.
@Suite struct MapModelTests {
  static let chunkCounts: [UInt64] = [0, 1, 2, 255, 256, 257, 65_535, 65_536, 65_537]

  @Test(
    "a series of random edits, growth and shrinking", arguments: chunkCounts,
    1...4 as ClosedRange<UInt64>)
  func randomEdits(chunkCount: UInt64, seed: UInt64) throws {
    var random = SeededRandom(seed: seed &* 1_000_003 &+ chunkCount)
    let nodes = RecordingNodes()
    var model = VolumeModel(chunkCount: chunkCount)
    var map = try model.build(in: nodes)
    for step in 0..<12 {
      let (oldModel, oldMap) = (model, map)
      try model.edit(with: &random)
      map = try model.build(in: nodes, parent: oldMap)
      try #require(
        try map == model.build(in: nodes), "seed \(seed), step \(step): the parent left a trace")
      try check(map, against: model, nodes, &random, "seed \(seed), step \(step)")
      let difference = try oldMap.difference(to: map, of: nodes)
      try #require(
        difference == naiveDifference(oldModel, model), "seed \(seed), step \(step)")
      try checkPart(
        ofDifferenceFrom: (oldModel, oldMap), to: (model, map), nodes, &random,
        "seed \(seed), step \(step)")
    }
  }

  /// Compares a range, at once and in steps of one leaf.
  private func checkPart(
    ofDifferenceFrom old: (model: VolumeModel, map: MapRoot),
    to new: (model: VolumeModel, map: MapRoot), _ nodes: RecordingNodes,
    _ random: inout SeededRandom, _ comment: Comment
  ) throws {
    let count = max(old.map.geometry.chunkCount, new.map.geometry.chunkCount)
    let start = UInt64.random(in: 0...count, using: &random)
    let end = UInt64.random(in: start...count + 1000, using: &random)
    let range = ChunkNumber(start)..<ChunkNumber(end)
    let expected = naiveDifference(old.model, new.model, within: range)
    try #require(
      try old.map.difference(to: new.map, within: range, of: nodes) == expected, comment)
    var (runs, position) = ([MapDifference.Run](), range.lowerBound)
    while position < range.upperBound {
      var step = try MapDifference(
        from: old.map, to: new.map, within: position..<range.upperBound, leafLimit: 1,
        reading: nodes)
      while let run = try step.next() { runs.append(joining: run) }
      try #require(step.compared.lowerBound == position, comment)
      try #require(step.compared.upperBound > position, comment)
      position = step.compared.upperBound
    }
    try #require(runs == expected, comment)
  }

  private func check(
    _ map: MapRoot, against model: VolumeModel, _ nodes: RecordingNodes,
    _ random: inout SeededRandom, _ comment: Comment
  ) throws {
    let all = 0..<map.geometry.endChunk
    try #require(try map.runs(in: all, of: nodes) == model.runs(in: all), comment)
    guard !all.isEmpty else { return }
    let start = ChunkNumber.random(in: all, using: &random)
    let end = min(all.upperBound, start + UInt64.random(in: 0...600, using: &random))
    try #require(
      try map.runs(in: start..<end, of: nodes) == model.runs(in: start..<end), comment)

    var cursor = MapCursor(map, reading: nodes)
    for _ in 0..<50 {
      let chunk = ChunkNumber.random(in: all, using: &random)
      try #require(
        try cursor.span(containing: chunk)[chunk] == model.chunks[chunk] ?? .hole, comment)
    }
    var collector = ChunkCollector()
    try map.walk(reading: nodes, &collector)
    try #require(collector.chunks == model.chunks, comment)
  }

  @Test("ranges taken over from the parent", arguments: 1...40 as ClosedRange<UInt64>)
  func takenOver(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let nodes = RecordingNodes()
    let counts = Self.chunkCounts + [70_000]
    var parent = VolumeModel(chunkCount: counts.randomElement(using: &random)!)
    for _ in 0..<4 { try parent.edit(with: &random) }
    let parentMap = try parent.build(in: nodes)
    let parentEnd = parentMap.geometry.endChunk

    var model = VolumeModel(chunkCount: counts.randomElement(using: &random)!)
    let newEnd = try model.geometry.endChunk
    var builder = try MapBuilder(
      chunkSizeBytes: VolumeModel.chunkSizeBytes, writer: nodes, parent: parentMap, reading: nodes)
    var chunk: ChunkNumber = 0
    while chunk < newEnd {
      let length = UInt64.random(
        in: 1...[2, 300, 70_000].randomElement(using: &random)!, using: &random)
      let end = min(chunk + length, newEnd)
      if end <= parentEnd {
        try builder.appendUnchanged(chunk..<end)
        for number in chunk..<end { model.chunks[number] = parent.chunks[number] }
      } else {
        for number in chunk..<min(end, chunk + 20) where Bool.random(using: &random) {
          model.chunks[number] = .chunk(random.next())
          try builder.append(model.chunks[number]!, at: number)
        }
      }
      chunk = end
    }
    let map = try builder.finish(sizeBytes: model.sizeBytes)
    #expect(try map == model.build(in: nodes), "seed \(seed)")
  }

  @Test("the allocation matches the bytes", arguments: 1...30 as ClosedRange<UInt64>)
  func allocation(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let nodes = RecordingNodes()
    var model = VolumeModel(chunkCount: 70_000)
    for _ in 0..<6 { try model.edit(with: &random) }
    model.sizeBytes += 1000
    if Bool.random(using: &random) {
      model.chunks[try model.geometry.endChunk.advanced(by: -1)] = .chunk(random.next())
    }
    let map = try model.build(in: nodes)
    let start = UInt64.random(in: 0..<model.sizeBytes, using: &random)
    let range = start..<UInt64.random(in: start...model.sizeBytes, using: &random)

    let extents = try map.allocation(of: range, limit: .max, leafLimit: .max, reading: nodes)
    #expect(extents.reduce(0) { $0 + $1.lengthBytes } == UInt64(range.count), "seed \(seed)")
    var position = range.lowerBound
    for (extent, next) in zip(extents, extents.dropFirst().map(Optional.some) + [nil]) {
      #expect(extent.offsetBytes == position, "seed \(seed)")
      #expect(extent.isHole != next?.isHole, "seed \(seed): neighbours of one kind")
      position += extent.lengthBytes
      let bytes = extent.offsetBytes..<position
      #expect(
        map.geometry.chunks(holding: bytes).allSatisfy {
          (model.chunks[$0] == nil) == extent.isHole
        }, "seed \(seed)")
    }
    let few = try map.allocation(of: range, limit: 2, leafLimit: .max, reading: nodes)
    #expect(few == Array(extents.prefix(2)), "seed \(seed)")
  }

  private func naiveDifference(
    _ old: VolumeModel, _ new: VolumeModel, within range: Range<ChunkNumber> = 0..<ChunkNumber(.max)
  ) -> [MapDifference.Run] {
    var runs: [MapDifference.Run] = []
    for chunk in Set(old.chunks.keys).union(new.chunks.keys).sorted()
    where range.contains(chunk) && old.chunks[chunk] != new.chunks[chunk] {
      let kind: MapDifference.Kind =
        new.chunks[chunk] == nil
        ? .becameHole : old.chunks[chunk] == nil ? .appeared : .changed
      runs.append(joining: MapDifference.Run(chunks: chunk..<chunk + 1, kind: kind))
    }
    return runs
  }
}

extension [MapDifference.Run] {
  /// Adds a run. If it continues the last run, joins the two.
  fileprivate mutating func append(joining run: MapDifference.Run) {
    if let last, last.kind == run.kind, last.chunks.upperBound == run.chunks.lowerBound {
      self[count - 1].chunks = last.chunks.lowerBound..<run.chunks.upperBound
    } else {
      append(run)
    }
  }
}

/// Collects every chunk that a walk visits.
private struct ChunkCollector: MapVisitor {
  var chunks: [ChunkNumber: ContentID] = [:]

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { true }

  mutating func visit(chunk id: ContentID, number: ChunkNumber) { chunks[number] = id }
}
