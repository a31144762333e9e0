package import ChunkFormat

/// Builds the map of a volume from its chunks, which are appended in order. Writes each node when
/// it is complete. Needs memory for two nodes per level.
///
/// The map of a parent revision may have another size and height. A node that equals the parent's
/// node at the same position keeps that node's id and is not written. So only the nodes on changed
/// paths are written. A range that is known to be unchanged is taken over as whole subtrees, which
/// are not read.
package struct MapBuilder {
  private let chunkSizeBytes: Int
  private let writer: any NodeWriting
  private var parent: ParentMap?
  /// For each level, the node that later chunks may still change. The open nodes of higher levels
  /// are its ancestors. When a node is complete, its id is entered into the node above, which is
  /// opened if needed.
  private var open: [OpenNode?] = Array(repeating: nil, count: MapNode.maximumLevels)
  /// The lowest number of a chunk that may be appended.
  private var nextChunk: ChunkNumber = 0

  /// A builder for a volume of any size, with chunks of `chunkSizeBytes`.
  ///
  /// - Throws: ``MapError`` with `.invalidArgument` for a parent of another chunk size.
  package init(
    chunkSizeBytes: Int, writer: any NodeWriting, parent: MapRoot? = nil,
    reading nodes: any NodeReading
  ) throws(MapError) {
    if let parent, parent.geometry.chunkSizeBytes != chunkSizeBytes {
      throw MapError(
        .invalidArgument,
        "expected a parent of chunks of \(chunkSizeBytes) bytes, found chunks of "
          + "\(parent.geometry.chunkSizeBytes)")
    }
    self.chunkSizeBytes = chunkSizeBytes
    self.writer = writer
    self.parent = parent.map { ParentMap($0, reading: nodes) }
  }

  /// The first failure to read the parent's map for comparison. The backup continues; nodes that
  /// are already stored may be written again.
  package var parentFailure: MapError? { parent?.failure }

  /// Sets chunk number `number` to the content `id`. A chunk with the id `.hole` is a hole, and so
  /// are the chunks that are left out.
  ///
  /// - Throws: ``MapError`` with `.invalidArgument` unless `number` is higher than all before,
  ///   `.corrupt` and `.unreadableNode` for the parent's map; errors of the writer.
  package mutating func append(_ id: ContentID, at number: ChunkNumber) throws {
    try advance(to: number, past: number + 1)
    guard !id.isHole else { return }
    try openNode(NodePosition(level: 0, holding: number))
    open[0]!.set(id, at: number.indexInLeaf)
  }

  /// Takes the chunks `range` over from the parent's map, which must have all of them. Reads only
  /// the parent's nodes on the paths to both ends.
  ///
  /// - Throws: ``MapError`` with `.invalidArgument` if there is no parent with these chunks, or if
  ///   a chunk at or after the start of `range` was appended before; `.corrupt` and
  ///   `.unreadableNode` for the parent's map; errors of the writer.
  package mutating func appendUnchanged(_ range: Range<ChunkNumber>) throws {
    guard let available = parent?.map.geometry.endChunk, range.upperBound <= available else {
      throw MapError(
        .invalidArgument, "chunks \(range) are said to be the parent's, which does not have them")
    }
    guard !range.isEmpty else { return }
    try advance(to: range.lowerBound, past: range.upperBound)
    parent!.noteTakenOver(range)
    var chunk = range.lowerBound
    while chunk < range.upperBound {
      if let position = parent!.largestSubtree(at: chunk, within: range) {
        try adopt(position)
        chunk = min(position.endChunk, range.upperBound)
      } else {
        chunk = try copyLeaf(chunk..<range.upperBound)
      }
    }
  }

  /// Ends the volume at `sizeBytes` and returns its map. Call it once, last.
  ///
  /// - Throws: ``MapError`` with `.invalidArgument` if the volume is too large, if chunks were
  ///   appended beyond the end, or if the length of a chunk that was taken over has changed (this
  ///   may be the last chunk of the parent, or of the new volume); `.corrupt` and `.unreadableNode`
  ///   for the parent's map; errors of the writer.
  package mutating func finish(sizeBytes: UInt64) throws -> MapRoot {
    let geometry = try MapGeometry(sizeBytes: sizeBytes, chunkSizeBytes: chunkSizeBytes)
    guard nextChunk <= geometry.endChunk else {
      throw MapError(
        .invalidArgument,
        "expected \(geometry.chunkCount) chunks in \(sizeBytes) bytes, found \(nextChunk)")
    }
    try parent?.checkLengths(in: geometry)
    for level in 0..<geometry.levels - 1 { try close(level) }
    let root = try open[geometry.levels - 1].map { try complete($0) } ?? .hole
    return try MapRoot(id: root, geometry: geometry)
  }

  private mutating func advance(to chunk: ChunkNumber, past end: ChunkNumber) throws {
    guard chunk >= nextChunk else {
      throw MapError(
        .invalidArgument, "expected chunk \(nextChunk) or a later one, found chunk \(chunk)")
    }
    nextChunk = end
    try closeNodes(before: chunk)
  }

  /// Completes the open nodes that do not hold `chunk`. No more chunks will be added to them.
  private mutating func closeNodes(before chunk: ChunkNumber) throws {
    for level in 0..<MapNode.maximumLevels {
      if open[level]?.position.holds(chunk) == true { break }
      try close(level)
    }
  }

  /// Completes the open node of `level`, if there is one, and enters it into the node above.
  private mutating func close(_ level: Int) throws {
    guard let node = open[level] else { return }
    open[level] = nil
    let id = try complete(node)
    guard !id.isHole else { return }
    let (above, index) = node.position.parent
    try openNode(above)
    open[above.level]!.set(id, at: index)
  }

  /// The id of a complete node; writes the node if it is new.
  private mutating func complete(_ node: OpenNode) throws -> ContentID {
    switch node.content {
    case .adopted(let id): return id
    case .built(let built):
      if built.isHole { return .hole }
      let previous = parent?.counterpart(of: node.position)
      if let previous, previous.node == built { return previous.id }
      return try writer.writeNode(built, replacing: previous?.id)
    }
  }

  /// Opens the node at `position` for changes. If the node is in an adopted subtree, reads the
  /// parent's nodes on the path to it.
  private mutating func openNode(_ position: NodePosition) throws {
    if case .built = open[position.level]?.content { return }
    let chunk = position.firstChunk
    let adopted = (position.level..<MapNode.maximumLevels).first { open[$0]?.isAdopted == true }
    for level in stride(from: adopted ?? position.level, through: position.level, by: -1) {
      let place = NodePosition(level: level, holding: chunk)
      let isAdopted = open[level] != nil || level < adopted ?? level
      let node = isAdopted ? try parent!.node(at: place) : nil
      open[level] = OpenNode(position: place, content: .built(node ?? MapNode(level: level)))
    }
  }

  private mutating func adopt(_ position: NodePosition) throws {
    try closeNodes(before: position.firstChunk)
    let id = try parent!.id(at: position)
    if !id.isHole { open[position.level] = OpenNode(position: position, content: .adopted(id)) }
  }

  /// Copies the chunks of `range` that are in its first leaf. If `range` begins with a hole, skips
  /// the hole. Returns the end of this part of `range`.
  private mutating func copyLeaf(_ range: Range<ChunkNumber>) throws -> ChunkNumber {
    let span = try parent!.span(containing: range.lowerBound)
    let part = span.chunks.clamped(to: range)
    for chunk in part where !span[chunk].isHole {
      try closeNodes(before: chunk)
      try openNode(NodePosition(level: 0, holding: chunk))
      open[0]!.set(span[chunk], at: chunk.indexInLeaf)
    }
    return part.upperBound
  }
}

/// A node that a builder has not completed yet.
struct OpenNode {
  enum Content {
    /// Built child by child.
    case built(MapNode)
    /// Taken over from the parent's map, and not read yet.
    case adopted(ContentID)
  }

  let position: NodePosition
  private(set) var content: Content

  init(position: NodePosition, content: Content) {
    self.position = position
    self.content = content
  }

  var isAdopted: Bool {
    if case .adopted = content { true } else { false }
  }

  /// Enters a child.
  ///
  /// - Precondition: the node is being built.
  mutating func set(_ id: ContentID, at index: Int) {
    guard case .built(var node) = content else {
      preconditionFailure("a child for a node that was adopted")
    }
    // Release the other reference to the node first: otherwise the change copies all its children.
    content = .adopted(.hole)
    node.children[index] = id
    content = .built(node)
  }
}
