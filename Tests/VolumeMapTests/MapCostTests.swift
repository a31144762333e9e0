import ChunkFormat
import Testing
import VolumeMap

/// Counts reads and writes, and compares them with the design's promises.
@Suite struct MapCostTests {
  private static let chunkSizeBytes = 128 << 10
  /// 20 TiB in chunks of 128 KiB: four levels.
  private static let largeSizeBytes: UInt64 = 20 << 40

  private func large(
    _ chunks: [ChunkNumber: ContentID], in nodes: RecordingNodes, parent: MapRoot? = nil
  ) throws -> MapRoot {
    var builder = try MapBuilder(
      chunkSizeBytes: Self.chunkSizeBytes, writer: nodes, parent: parent, reading: nodes)
    for (number, id) in chunks.sorted(by: { $0.key < $1.key }) {
      try builder.append(id, at: number)
    }
    return try builder.finish(sizeBytes: Self.largeSizeBytes)
  }

  /// One chunk in every 1,048,576: 160 chunks, each on its own path below the second level.
  private let sparse = Dictionary(
    uniqueKeysWithValues: (0..<160).map { (ChunkNumber($0 << 20 + 77), ContentID.chunk($0 + 1)) })

  @Test("a look-up in 20 TiB reads at most one node per level") func lookUp() throws {
    let nodes = RecordingNodes()
    let map = try large(sparse, in: nodes)
    #expect(nodes.reads.isEmpty)
    for (chunk, isThere, reads) in [
      (77, true, 4), (ChunkNumber(159 << 20 + 77), true, 4), (78, false, 4),
      (ChunkNumber(1 << 19), false, 2),
    ] as [(ChunkNumber, Bool, Int)] {
      nodes.forgetCounts()
      var cursor = MapCursor(map, reading: nodes)
      #expect(try cursor.span(containing: chunk)[chunk].isHole == !isThere)
      #expect(nodes.reads.count == reads)
    }
  }

  @Test("a hole of 20 TiB costs nothing to build, list or compare") func emptyVolume() throws {
    let nodes = RecordingNodes()
    let map = try large([:], in: nodes)
    let all = 0..<map.geometry.endChunk
    #expect(map.id.isHole)
    #expect(try map.runs(in: all, of: nodes) == [.hole(chunks: 160 << 20)])
    #expect(try map.difference(to: map, of: nodes).isEmpty)
    #expect(
      try map.allocation(of: 0..<Self.largeSizeBytes, limit: 10, reading: nodes)
        == [AllocationExtent(offsetBytes: 0, lengthBytes: Self.largeSizeBytes, isHole: true)])
    #expect(nodes.reads.isEmpty && nodes.writes.isEmpty)
  }

  @Test("reading a volume in order reads each node once") func streaming() throws {
    let nodes = RecordingNodes()
    let map = try large(sparse, in: nodes)
    nodes.forgetCounts()
    let runs = try map.runs(in: 0..<map.geometry.endChunk, of: nodes)
    #expect(runs.count == 321)
    #expect(nodes.reads.count == Set(nodes.reads).count)
    #expect(nodes.reads.count == 1 + 10 + 160 + 160)
  }

  @Test("an incremental backup writes only the nodes on changed paths")
  func incremental() throws {
    let nodes = RecordingNodes()
    let first = try large(sparse, in: nodes)
    #expect(nodes.writes.count == 1 + 10 + 160 + 160)

    nodes.forgetCounts()
    #expect(try large(sparse, in: nodes, parent: first) == first)
    #expect(nodes.writes.isEmpty)
    #expect(nodes.reads.count == 1 + 10 + 160 + 160)

    // Two changes under one leaf, and one change elsewhere under the same second-level node.
    var changed = sparse
    changed[77] = .chunk(1000)
    changed[78] = .chunk(1001)
    changed[ChunkNumber(1 << 20 + 77)] = .chunk(1002)
    nodes.forgetCounts()
    let second = try large(changed, in: nodes, parent: first)
    #expect(nodes.writes.count == 2 + 2 + 1 + 1)
    #expect(nodes.writes.allSatisfy { $0.previous != nil })
    #expect(nodes.writes.last?.id == second.id)
    #expect(nodes.writes.last?.previous == first.id)
  }

  @Test("a hole that appears writes only the nodes above it") func holeAppears() throws {
    let nodes = RecordingNodes()
    let first = try large(sparse, in: nodes)
    var changed = sparse
    changed[77] = nil
    nodes.forgetCounts()
    _ = try large(changed, in: nodes, parent: first)
    #expect(nodes.writes.count == 2)
  }

  @Test("unchanged ranges are neither read nor written") func takenOver() throws {
    let nodes = RecordingNodes()
    let first = try large(sparse, in: nodes)
    nodes.forgetCounts()
    var builder = try MapBuilder(
      chunkSizeBytes: Self.chunkSizeBytes, writer: nodes, parent: first, reading: nodes)
    try builder.appendUnchanged(0..<first.geometry.endChunk)
    #expect(try builder.finish(sizeBytes: Self.largeSizeBytes) == first)
    #expect(nodes.reads.isEmpty && nodes.writes.isEmpty)

    let change = ChunkNumber(80 << 20 + 77)
    builder = try MapBuilder(
      chunkSizeBytes: Self.chunkSizeBytes, writer: nodes, parent: first, reading: nodes)
    try builder.appendUnchanged(0..<change)
    try builder.append(.chunk(5000), at: change)
    try builder.appendUnchanged(change + 1..<first.geometry.endChunk)
    _ = try builder.finish(sizeBytes: Self.largeSizeBytes)
    #expect(nodes.reads.count == 4)
    #expect(nodes.writes.count == 4)
  }

  @Test("a difference reads both maps only on paths that differ") func difference() throws {
    let nodes = RecordingNodes()
    let first = try large(sparse, in: nodes)
    var changed = sparse
    changed[77] = .chunk(1000)
    changed[ChunkNumber(80 << 20 + 77)] = nil
    changed[ChunkNumber(80 << 20 + 700)] = .chunk(1001)
    let second = try large(changed, in: nodes)
    nodes.forgetCounts()
    let other = ChunkNumber(80 << 20)
    let runs = try first.difference(to: second, of: nodes)
    #expect(runs.map(\.kind) == [.changed, .becameHole, .appeared])
    #expect(runs.map(\.chunks) == [77..<78, other + 77..<other + 78, other + 700..<other + 701])
    // The roots, and in each map two paths of three nodes.
    #expect(nodes.reads.count == 2 + 2 * 3 + 2 * 3)
  }

  @Test("a difference within a range reads nothing outside it") func differenceWithinRange() throws
  {
    let nodes = RecordingNodes()
    let first = try large(sparse, in: nodes)
    let second = try large(sparse.mapValues { _ in .chunk(1000) }, in: nodes)
    let other = ChunkNumber(80 << 20)
    // Both roots, and in each map one path of two inner nodes and a leaf.
    nodes.forgetCounts()
    let runs = try first.difference(to: second, within: other..<other + 78, of: nodes)
    #expect(runs == [MapDifference.Run(chunks: other + 77..<other + 78, kind: .changed)])
    #expect(nodes.reads.count == 2 + 2 * 3)
    // This part of the leaf is empty, but the leaf must be read to know that.
    nodes.forgetCounts()
    #expect(try first.difference(to: second, within: other..<other + 77, of: nodes).isEmpty)
    #expect(nodes.reads.count == 2 + 2 * 3)
    // Only holes in this range: reads the nodes on the path down to the first hole.
    nodes.forgetCounts()
    #expect(try first.difference(to: second, within: other + 256..<other + 512, of: nodes).isEmpty)
    #expect(nodes.reads.count == 2 + 2 * 2)
    nodes.forgetCounts()
    #expect(try first.difference(to: second, within: other..<other, of: nodes).isEmpty)
    #expect(try first.difference(to: first, within: 0..<other, of: nodes).isEmpty)
    #expect(nodes.reads.isEmpty)
  }

  @Test("a difference stops at the limit of leaves, and reports the compared range")
  func differenceBound() throws {
    let nodes = RecordingNodes()
    let first = try large(sparse, in: nodes)
    let second = try large(sparse.mapValues { _ in .chunk(1000) }, in: nodes)
    nodes.forgetCounts()
    var difference = try MapDifference(from: first, to: second, leafLimit: 3, reading: nodes)
    var runs: [MapDifference.Run] = []
    while let run = try difference.next() { runs.append(run) }
    #expect(
      runs.map(\.chunks.lowerBound) == [77, ChunkNumber(1 << 20 + 77), ChunkNumber(2 << 20 + 77)])
    #expect(difference.compared == 0..<ChunkNumber(3 << 20))
    // In each map: the root, one second-level node, three paths of two nodes, and the inner node
    // above the fourth leaf.
    #expect(nodes.reads.count == 2 * (1 + 1 + 3 * 2 + 1))
  }

  @Test("maps of different heights share common subtrees") func grownVolume() throws {
    let nodes = RecordingNodes()
    var model = VolumeModel(chunkCount: 256)
    for chunk in 0..<256 as Range<ChunkNumber> { model.chunks[chunk] = .chunk(chunk.value + 1) }
    let small = try model.build(in: nodes)
    try model.resize(toChunks: 300)
    nodes.forgetCounts()
    let grown = try model.build(in: nodes, parent: small)
    #expect(nodes.writes.count == 1, "only the new root")
    nodes.forgetCounts()
    #expect(try small.difference(to: grown, of: nodes).isEmpty)
    #expect(nodes.reads == [grown.id])
    try model.resize(toChunks: 256)
    nodes.forgetCounts()
    #expect(try model.build(in: nodes, parent: grown) == small)
    #expect(nodes.writes.isEmpty)
  }

  @Test("an allocation query stops at the limit of leaves") func allocationBound() throws {
    let nodes = RecordingNodes()
    var model = VolumeModel(chunkCount: 2560)
    for chunk in 0..<2560 as Range<ChunkNumber> { model.chunks[chunk] = .chunk(chunk.value + 1) }
    let map = try model.build(in: nodes)
    nodes.forgetCounts()
    let extents = try map.allocation(
      of: 100..<model.sizeBytes, limit: 1, leafLimit: 3, reading: nodes)
    #expect(
      extents == [
        AllocationExtent(offsetBytes: 100, lengthBytes: 3 * 256 * 4096 - 100, isHole: false)
      ])
    #expect(nodes.reads.count == 1 + 3)
  }
}
