import ChunkFormat
import Testing
import VolumeMap

/// Large maps that consist of few nodes: a computation must not visit each place of a node.
@Suite struct RepeatedNodesTests {
  private static let chunkSizeBytes = 128 << 10

  /// A volume with a map of `levels` levels in which every leaf is `leaf`.
  private func uniform(
    _ leaf: MapNode, levels: Int, in nodes: RecordingNodes
  ) throws -> MapRoot {
    var id = nodes.add(leaf)
    for level in 1..<levels {
      var node = MapNode(level: level)
      for index in node.children.indices { node.children[index] = id }
      id = nodes.add(node)
    }
    let chunks = (0..<levels).reduce(UInt64(1)) { product, _ in product * 256 }
    return try MapRoot(
      id: id,
      geometry: try MapGeometry(
        sizeBytes: chunks * UInt64(Self.chunkSizeBytes), chunkSizeBytes: Self.chunkSizeBytes))
  }

  private func leaf(_ ids: (Int) -> ContentID) -> MapNode {
    var node = MapNode(level: 0)
    for index in node.children.indices { node.children[index] = ids(index) }
    return node
  }

  /// Counts chunks.
  private struct Counting: MapFold {
    let zero: UInt64 = 0
    var sums = NodeSums<UInt64>()
    var damaged = 0

    func add(_ sum: UInt64, to total: inout UInt64) { total += sum }
    mutating func knownSum(of id: ContentID, level: Int) -> UInt64? { sums[id, level] }
    mutating func note(_ sum: UInt64, of id: ContentID, level: Int) { sums[id, level] = sum }

    mutating func sum(ofLeaf leaf: MapNode, at position: NodePosition) -> UInt64 {
      UInt64(leaf.children.count { !$0.isHole })
    }

    mutating func sum(
      ofDamaged id: ContentID, _ error: MapError, at position: NodePosition, isEverywhere: Bool
    ) -> UInt64 {
      damaged += 1
      if isEverywhere { sums[id, position.level] = 0 }
      return 0
    }
  }

  @Test("2 PiB of one chunk, intact or damaged, are counted with two reads per level")
  func sums() throws {
    let nodes = RecordingNodes()
    let map = try uniform(leaf { _ in .chunk(1) }, levels: 4, in: nodes)
    nodes.forgetCounts()
    var counting = Counting()
    #expect(try map.sum(reading: nodes, &counting) == 1 << 32)
    // Reads each distinct node once, and the path to the end of the volume.
    #expect(nodes.reads.count <= 2 * 4)

    nodes.replace(nodes.add(leaf { _ in .chunk(1) }), with: nil)
    var failing = Counting()
    nodes.forgetCounts()
    #expect(try map.sum(reading: nodes, &failing) == 0)
    #expect(failing.damaged <= 4)
    #expect(nodes.reads.count <= 2 * 4)
  }

  /// A volume whose map has the same leaf in two places.
  private func twice(
    _ leaf: MapNode, chunks: UInt64, in nodes: RecordingNodes
  ) throws -> MapRoot {
    var top = MapNode(level: 1)
    for index in 0..<2 { top.children[index] = nodes.add(leaf) }
    return try MapRoot(
      id: nodes.add(top),
      geometry: try MapGeometry(
        sizeBytes: chunks * UInt64(Self.chunkSizeBytes), chunkSizeBytes: Self.chunkSizeBytes))
  }

  @Test("A leaf that is valid in the middle of a volume is damage if the volume ends within it")
  func leafAtTheEnd() throws {
    let nodes = RecordingNodes()
    let full = leaf { _ in .chunk(1) }
    func map(chunks: UInt64) throws -> MapRoot { try twice(full, chunks: chunks, in: nodes) }
    var counting = Counting()
    #expect(try map(chunks: 512).sum(reading: nodes, &counting) == 512)
    #expect(counting.damaged == 0)
    // Now the leaf's sum is known.
    #expect(try map(chunks: 256 + 10).sum(reading: nodes, &counting) == 256)
    #expect(counting.damaged == 1)
    // Elsewhere the same leaf is still valid.
    #expect(try map(chunks: 512).sum(reading: nodes, &counting) == 512)
  }

  @Test("A comparison finds such damage, even if it has compared the same two leaves before")
  func comparedAtTheEnd() throws {
    let nodes = RecordingNodes()
    let (short, long) = (UInt64(256 + 10), UInt64(512))
    let (one, two) = (leaf { _ in .chunk(1) }, leaf { _ in .chunk(2) })
    for (old, new) in [(short, long), (long, short)] {
      let (from, to) = (
        try twice(one, chunks: old, in: nodes), try twice(two, chunks: new, in: nodes)
      )
      let error = #expect(throws: MapError.self) { try from.difference(to: to, of: nodes) }
      #expect(error?.code == .corrupt)
    }
    let sound = try twice(one, chunks: long, in: nodes)
    let run = MapDifference.Run(chunks: 0..<ChunkNumber(long), kind: .changed)
    #expect(try sound.difference(to: twice(two, chunks: long, in: nodes), of: nodes) == [run])
  }

  @Test("If 2 PiB differ everywhere, the result is one run, after a few reads")
  func uniformDifference() throws {
    let nodes = RecordingNodes()
    let old = try uniform(leaf { _ in .chunk(1) }, levels: 4, in: nodes)
    let new = try uniform(leaf { .chunk(UInt64(2 + $0 % 2)) }, levels: 4, in: nodes)
    nodes.forgetCounts()
    let all = 0..<old.geometry.endChunk
    #expect(
      try old.difference(to: new, of: nodes) == [MapDifference.Run(chunks: all, kind: .changed)])
    #expect(nodes.reads.count == 2 * 4)
    // The new map has no nodes: everything became a hole.
    let hole = try MapRoot(id: .hole, geometry: old.geometry)
    #expect(
      try old.difference(to: hole, of: nodes)
        == [MapDifference.Run(chunks: all, kind: .becameHole)])
    #expect(
      try hole.difference(to: new, of: nodes)
        == [MapDifference.Run(chunks: all, kind: .appeared)])
  }

  @Test("Repeated leaves give the same result as if each place were read")
  func mixedDifference() throws {
    let nodes = RecordingNodes()
    let kinds: [MapNode] = [
      leaf { _ in .chunk(1) }, leaf { _ in .chunk(2) }, leaf { $0 < 100 ? .chunk(1) : .hole },
      leaf { _ in .hole },
    ]
    func map(_ choice: [Int]) throws -> (MapRoot, [ContentID]) {
      var top = MapNode(level: 1)
      for (index, kind) in choice.enumerated() where kind < 3 {
        top.children[index] = nodes.add(kinds[kind])
      }
      let geometry = try MapGeometry(
        sizeBytes: UInt64(choice.count * 256 * Self.chunkSizeBytes),
        chunkSizeBytes: Self.chunkSizeBytes)
      return (
        try MapRoot(id: nodes.add(top), geometry: geometry), choice.flatMap { kinds[$0].children }
      )
    }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let (old, oldChunks) = try map((0..<40).map { _ in Int.random(in: 0..<4, using: &generator) })
      let (new, newChunks) = try map((0..<40).map { _ in Int.random(in: 0..<4, using: &generator) })
      var found = [MapDifference.Kind?](repeating: nil, count: oldChunks.count)
      for run in try old.difference(to: new, of: nodes) {
        for chunk in run.chunks { found[Int(chunk.value)] = run.kind }
      }
      let expected = zip(oldChunks, newChunks).map { old, new -> MapDifference.Kind? in
        old == new ? nil : new.isHole ? .becameHole : old.isHole ? .appeared : .changed
      }
      #expect(found == expected)
    }
  }
}
