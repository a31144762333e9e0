import ChunkFormat
import ChunkStore
import VolumeMap
import VolumeReader
import Workers

/// Visits the content of revisions, one after another. A subtree without problems is not visited
/// again for the next revision.
protocol ContentVisitor: MapVisitor {
  var walk: ContentWalk { get set }

  /// Visits the chunk `id`, which has these bytes of a volume or an attachment.
  mutating func visit(chunk id: ContentID, at bytes: Range<UInt64>) throws
}

extension ContentVisitor {
  /// Visits everything that a revision needs.
  mutating func visit(
    _ entry: RevisionEntry, in repository: Repository, reading nodes: any NodeReading
  ) throws {
    for volume in entry.revision.volumes {
      let map = try repository.map(of: volume)
      walk.begin(entry, volume.name, map.geometry)
      try map.walk(reading: nodes, &self)
      walk.end()
    }
    let chunkSizeBytes = UInt64(repository.configuration.chunkSizeBytes)
    for attachment in entry.revision.attachments {
      walk.begin(entry, attachment.name, nil)
      for (number, id) in attachment.chunks.enumerated() {
        let start = UInt64(number) * chunkSizeBytes
        // A revision may list more chunks than its size needs in this repository.
        let bytes = start..<start + chunkSizeBytes
        try visit(chunk: id, at: bytes.clamped(to: 0..<attachment.sizeBytes))
      }
    }
  }

  mutating func visit(chunk id: ContentID, number: ChunkNumber) throws {
    guard let geometry = walk.geometry else { return }
    try visit(chunk: id, at: geometry.bytes(ofChunk: number))
  }

  /// Notes damage. An error of the store that is not damage ends the walk.
  mutating func visit(damaged error: MapError, at position: NodePosition) throws {
    if let cause = error.cause as? StoreError, !cause.isDamage { throw cause }
    walk.noteLoss(
      of: walk.id(at: position), at: error.bytes ?? 0..<(walk.geometry?.sizeBytes ?? 0), "\(error)")
  }
}

/// The current position of a walk, and the lost records that it found. A lost record has no intact
/// copy.
struct ContentWalk {
  /// The greatest number of lost records whose ids are remembered. This limits the memory.
  private static let rememberedLosses = 1 << 20

  /// The geometry of the volume. Nil in an attachment.
  private(set) var geometry: MapGeometry?
  private var subject: (entry: RevisionEntry, name: String)?
  private var subtrees = WholeSubtrees()

  /// The number of problems so far, repaired or not.
  private(set) var amissCount = 0
  private(set) var losses = LossList()
  /// The records found lost. Incomplete if ``hasForgotten`` is true.
  private(set) var lost: Set<ContentID> = []
  private(set) var hasForgotten = false

  fileprivate mutating func begin(
    _ entry: RevisionEntry, _ name: String, _ geometry: MapGeometry?
  ) {
    (subject, self.geometry) = ((entry, name), geometry)
  }

  fileprivate mutating func end() { subtrees.end(amiss: amissCount) }

  /// Notes that the walk enters a node. Returns false if everything under it is already known.
  mutating func enter(_ id: ContentID, at position: NodePosition) -> Bool {
    switch subtrees.enter(id, at: position, amiss: amissCount) {
    case nil: return true
    case .whole: return false
    case .amiss:
      // The nodes above must not count as free of problems.
      amissCount += 1
      return false
    }
  }

  /// Returns the id of the node at `position`. The walk must be at this node or below it.
  fileprivate func id(at position: NodePosition) -> ContentID? { subtrees.id(at: position) }

  /// Notes a problem that has been repaired.
  mutating func noteMended() { amissCount += 1 }

  /// Notes that the record `id`, and with it these bytes of the volume, cannot be read.
  mutating func noteLoss(of id: ContentID?, at bytes: Range<UInt64>, _ message: String) {
    amissCount += 1
    if let id, lost.count < Self.rememberedLosses { lost.insert(id) } else { hasForgotten = true }
    guard let (entry, name) = subject else { return }
    losses.add(
      Loss(
        job: entry.revision.job, revision: entry.id, name: name,
        offsetBytes: bytes.lowerBound, lengthBytes: UInt64(bytes.count), message: message))
  }
}

/// Remembers subtrees without problems during walks through maps. If the next revision has the same
/// subtree, the subtree need not be checked again.
struct WholeSubtrees {
  /// Limits the memory. A subtree that is not remembered is checked again.
  private static let rememberedNodes = 4 << 20

  private var whole: Set<ContentID> = []
  /// Nodes of the current map that have a problem below them. Each is noted once.
  private var amissHere: Set<ContentID> = []
  /// The nodes on the path of the walk, with the number of problems at the time when the walk
  /// entered each.
  private var path: [(position: NodePosition, id: ContentID, amiss: Int)] = []

  /// Notes that the walk enters a node.
  ///
  /// - Parameter amiss: the number of problems so far.
  /// - Returns: what is known about the subtree; nil if the walk must visit it.
  mutating func enter(_ id: ContentID, at position: NodePosition, amiss: Int) -> Known? {
    leave(upTo: position.level, amiss: amiss)
    if whole.contains(id) { return .whole }
    if amissHere.contains(id) { return .amiss }
    path.append((position, id, amiss))
    return nil
  }

  /// What is known about a subtree.
  enum Known {
    case whole
    /// It has a problem, which was already noted in this map.
    case amiss
  }

  /// Returns the id of the node at `position`. The walk must be at this node or below it.
  func id(at position: NodePosition) -> ContentID? {
    path.last { $0.position == position }?.id
  }

  /// Ends the walk of one map.
  mutating func end(amiss: Int) {
    leave(upTo: MapNode.maximumLevels, amiss: amiss)
    amissHere = []
  }

  private mutating func leave(upTo level: Int, amiss: Int) {
    while let last = path.last, last.position.level <= level {
      path.removeLast()
      if last.amiss == amiss {
        if whole.count < Self.rememberedNodes { whole.insert(last.id) }
      } else if amissHere.count < Self.rememberedNodes {
        amissHere.insert(last.id)
      }
    }
  }
}

/// Searches for unreadable content.
struct LossSearch: ContentVisitor {
  private let availability: RecordAvailability
  private let cancellation: CancellationFlag

  var walk = ContentWalk()
  private(set) var nodes: UInt64 = 0
  private(set) var chunks: UInt64 = 0

  init(availability: RecordAvailability, cancellation: CancellationFlag) {
    self.availability = availability
    self.cancellation = cancellation
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
    try cancellation.check()
    guard walk.enter(id, at: position) else { return false }
    nodes += 1
    return true
  }

  mutating func visit(chunk id: ContentID, at bytes: Range<UInt64>) throws {
    chunks += 1
    guard try !availability.isAvailable(id, type: .chunk) else { return }
    walk.noteLoss(of: id, at: bytes, "no intact copy of chunk \(id) is in the repository")
  }
}
