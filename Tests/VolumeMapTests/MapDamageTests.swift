import ChunkFormat
import Testing
import VolumeMap

/// Damage and misuse must cause specific errors, and never return data.
@Suite struct MapDamageTests {
  private let nodes = RecordingNodes()
  private let secondLeaf: Range<UInt64> = 256 * 4096..<512 * 4096

  /// 600 chunks, all of them stored: three leaves under a root.
  private func model() -> VolumeModel {
    var model = VolumeModel(chunkCount: 600)
    for chunk in 0..<600 as Range<ChunkNumber> { model.chunks[chunk] = .chunk(chunk.value + 1) }
    return model
  }

  private func leaf(_ index: Int, of map: MapRoot) throws -> ContentID {
    try nodes.readNode(map.id).children[index]
  }

  @Test("a node of another level is corrupt, at its offset") func wrongLevel() throws {
    let map = try model().build(in: nodes)
    nodes.replace(try leaf(1, of: map), with: MapNode(level: 1))
    #expect {
      try map.runs(in: 0..<600, of: nodes)
    } throws: { error in
      let error = error as? MapError
      return error?.code == .corrupt && error?.bytes == secondLeaf
    }
    #expect(try map.runs(in: 512..<600, of: nodes).count == 88, "the other leaves are readable")
  }

  @Test("content beyond the end of the volume is corrupt", arguments: [600, 512, 256, 1])
  func beyondEnd(chunkCount: UInt64) throws {
    let map = try model().build(in: nodes)
    let id = try chunkCount > 256 ? map.id : leaf(0, of: map)
    let cut = try MapRoot(
      id: id,
      geometry: MapGeometry(
        sizeBytes: chunkCount * 4096, chunkSizeBytes: VolumeModel.chunkSizeBytes))
    let isWhole = chunkCount == 600 || chunkCount == 256
    var failure: MapError?
    do {
      _ = try cut.runs(in: 0..<ChunkNumber(chunkCount), of: nodes)
    } catch let error as MapError {
      failure = error
    }
    #expect((failure == nil) == isWhole)
    #expect(isWhole || failure?.code == .corrupt)
  }

  @Test("a shared node is checked at the end of a volume even if a walk does not enter it")
  func prunedWalk() throws {
    let map = try model().build(in: nodes)
    let cut = try MapRoot(
      id: map.id, geometry: MapGeometry(sizeBytes: 512 * 4096, chunkSizeBytes: 4096))
    var visitor = NothingEntered()
    #expect(throws: MapError.self) { try cut.walk(reading: nodes, &visitor) }
    nodes.forgetCounts()
    try map.walk(reading: nodes, &visitor)
    #expect(nodes.reads.count == 2, "the root and the last leaf reach beyond the end")
  }

  @Test("an empty volume has no node") func emptyWithRoot() throws {
    let geometry = try MapGeometry(sizeBytes: 0, chunkSizeBytes: 4096)
    #expect(throws: MapError.self) { try MapRoot(id: .chunk(1), geometry: geometry) }
  }

  @Test("a missing node is reported with its place and the cause; a walk can continue after it")
  func missingNode() throws {
    let map = try model().build(in: nodes)
    nodes.replace(try leaf(1, of: map), with: nil)
    do {
      _ = try map.runs(in: 0..<600, of: nodes)
      Issue.record("nothing was thrown")
    } catch let error as MapError {
      #expect(error.code == .unreadableNode)
      #expect(error.bytes == secondLeaf)
      #expect(error.cause is RecordingNodes.Missing)
      #expect(error.description.contains("at offset 1048576"))
    }
    var visitor = DamageCollector()
    try map.walk(reading: nodes, &visitor)
    #expect(visitor.damaged == [NodePosition(level: 0, number: 1)])
    #expect(visitor.chunkCount == 600 - 256)
  }

  @Test("a parent that cannot be read costs extra nodes but does not fail the backup")
  func unreadableParent() throws {
    let model = model()
    let parent = try model.build(in: nodes)
    let lost = try leaf(1, of: parent)
    nodes.replace(lost, with: nil)
    nodes.forgetCounts()
    var builder = try MapBuilder(
      chunkSizeBytes: 4096, writer: nodes, parent: parent, reading: nodes)
    for (number, id) in model.chunks.sorted(by: { $0.key < $1.key }) {
      try builder.append(id, at: number)
    }
    #expect(try builder.finish(sizeBytes: model.sizeBytes) == parent)
    #expect(builder.parentFailure?.bytes?.lowerBound == 256 * 4096)
    #expect(nodes.writes.map(\.id) == [lost])
    #expect(nodes.writes.first?.previous == nil)
  }

  @Test("a builder refuses input that would make an invalid map") func misuse() throws {
    func builder(parent: MapRoot? = nil) throws -> MapBuilder {
      try MapBuilder(chunkSizeBytes: 4096, writer: nodes, parent: parent, reading: nodes)
    }
    func isRefused(_ body: () throws -> Void) -> Bool {
      do {
        try body()
        return false
      } catch {
        return (error as? MapError)?.code == .invalidArgument
      }
    }
    var backwards = try builder()
    try backwards.append(.chunk(1), at: 7)
    #expect(isRefused { try backwards.append(.chunk(2), at: 7) })
    var tooLong = try builder()
    try tooLong.append(.chunk(1), at: 7)
    #expect(isRefused { _ = try tooLong.finish(sizeBytes: 7 * 4096) })
    var orphan = try builder()
    #expect(isRefused { try orphan.appendUnchanged(0..<1) })
    let parent = try model().build(in: nodes)
    var beyond = try builder(parent: parent)
    #expect(isRefused { try beyond.appendUnchanged(0..<601) })
    #expect(
      isRefused {
        _ = try MapBuilder(chunkSizeBytes: 8192, writer: nodes, parent: parent, reading: nodes)
      })
  }

  @Test("a last chunk of another length cannot be taken over", arguments: [true, false])
  func lastChunkLength(isHole: Bool) throws {
    var model = model()
    model.sizeBytes -= 100
    if isHole { model.chunks[599] = nil }
    let parent = try model.build(in: nodes)
    let sizes: [UInt64] = [model.sizeBytes, 600 * 4096, 601 * 4096, 599 * 4096 + 1]
    for sizeBytes in sizes {
      var builder = try MapBuilder(
        chunkSizeBytes: 4096, writer: nodes, parent: parent, reading: nodes)
      try builder.appendUnchanged(0..<600)
      if isHole || sizeBytes == model.sizeBytes {
        _ = try builder.finish(sizeBytes: sizeBytes)
      } else {
        #expect(throws: MapError.self) { try builder.finish(sizeBytes: sizeBytes) }
      }
    }
  }
}

private struct NothingEntered: MapVisitor {
  mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { false }
  mutating func visit(chunk id: ContentID, number: ChunkNumber) {}
}

private struct DamageCollector: MapVisitor {
  var damaged: [NodePosition] = []
  var chunkCount = 0

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { true }
  mutating func visit(chunk id: ContentID, number: ChunkNumber) { chunkCount += 1 }
  mutating func visit(damaged error: MapError, at position: NodePosition) {
    damaged.append(position)
  }
}
