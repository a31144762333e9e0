import ChunkFormat
import Glibc
import Synchronization
import Testing
import VolumeMap

@Suite struct NodeCacheTests {
  private func nodes(_ count: Int) -> (RecordingNodes, [ContentID]) {
    let nodes = RecordingNodes()
    let ids = (0..<count).map { index in
      var node = MapNode(level: 0)
      node.children[0] = .chunk(UInt64(index + 1))
      return nodes.add(node)
    }
    return (nodes, ids)
  }

  @Test("a node is read once and then cached") func hit() throws {
    let (nodes, ids) = nodes(1)
    let cache = NodeCache(reading: nodes)
    #expect(cache.cachedNode(ids[0]) == nil)
    let node = try cache.readNode(ids[0])
    #expect(try cache.readNode(ids[0]) == node)
    #expect(cache.cachedNode(ids[0]) == node)
    #expect(nodes.reads.count == 1)
  }

  @Test("the limit holds, and nodes in use survive a scan") func bound() throws {
    let (nodes, ids) = nodes(200)
    let cache = NodeCache(reading: nodes, limitBytes: 20 * NodeCache.nodeBytes)
    for id in ids {
      _ = try cache.readNode(ids[0])
      _ = try cache.readNode(id)
    }
    #expect(ids.count { cache.cachedNode($0) != nil } == 20)
    #expect(nodes.reads.count { $0 == ids[0] } == 1)
  }

  @Test("a failure is not cached") func failure() throws {
    let (nodes, ids) = nodes(1)
    let node = try nodes.readNode(ids[0])
    let cache = NodeCache(reading: nodes)
    nodes.replace(ids[0], with: nil)
    #expect(throws: RecordingNodes.Missing.self) { try cache.readNode(ids[0]) }
    nodes.replace(ids[0], with: node)
    #expect(try cache.readNode(ids[0]) == node)
  }

  @Test("threads that need the same node read it once") func oneRead() async throws {
    let (nodes, ids) = nodes(3)
    let slow = SlowNodes(nodes: nodes)
    let cache = NodeCache(reading: slow)
    try await withThrowingTaskGroup { group in
      for index in 0..<12 {
        group.addTask { _ = try cache.readNode(ids[index % 3]) }
      }
      try await group.waitForAll()
    }
    #expect(nodes.reads.count == 3)
  }

  @Test("a cached look-up uses only the cache") func cachedSpans() throws {
    let nodes = RecordingNodes()
    var model = VolumeModel(chunkCount: 70_000)
    for chunk in stride(from: 0, to: 70_000, by: 100) as StrideTo<ChunkNumber> {
      model.chunks[chunk] = .chunk(chunk.value + 1)
    }
    let map = try model.build(in: nodes)
    let cache = NodeCache(reading: nodes)
    var cursor = MapCursor(map, reading: cache)
    #expect(cursor.cachedSpan(containing: 500, in: cache) == nil)
    #expect(nodes.reads.isEmpty)
    _ = try cursor.span(containing: 500)
    var other = MapCursor(map, reading: cache)
    #expect(other.cachedSpan(containing: 500, in: cache)?[500] == .chunk(501))
    #expect(other.cachedSpan(containing: 600, in: cache) == nil, "a leaf not read so far")
    #expect(other.cachedSpan(containing: 400, in: cache)?[400] == .chunk(401))
    #expect(nodes.reads.count == 3)
  }
}

/// Nodes that take some time to read.
private struct SlowNodes: NodeReading {
  let nodes: RecordingNodes

  func readNode(_ id: ContentID) throws -> MapNode {
    usleep(20_000)
    return try nodes.readNode(id)
  }
}
