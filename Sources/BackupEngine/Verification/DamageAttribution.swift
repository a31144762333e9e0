import ChunkFormat
import ChunkStore
import VolumeMap
import VolumeReader
import Workers

/// Finds all revisions that contain damage which was found in one of them.
struct DamageAttribution {
  /// The damage in one revision.
  struct Share {
    /// How many places in its volumes and attachments have a damaged chunk.
    var places: UInt64 = 0
    /// Whether a map node is unusable.
    var hasBrokenMap = false
    /// The positions of its damages in the report.
    var damages: Set<Int> = []

    var isDamaged: Bool { places > 0 || hasBrokenMap }
  }

  private let repository: Repository
  /// For each damaged chunk or node, the position of its damage in the report. Nil if the report
  /// does not list it.
  private let damaged: [ContentID: Int?]
  private let nodes: NodeCache
  private let cancellation: CancellationFlag
  private var sums = NodeSums<Places>()

  init(
    repository: Repository, damaged: [ContentID: Int?], cancellation: CancellationFlag
  ) {
    self.repository = repository
    self.damaged = damaged
    self.cancellation = cancellation
    nodes = NodeCache(reading: VerifyingNodes(repository: repository, notes: DamageNotes()))
  }

  mutating func share(of entry: RevisionEntry) throws -> Share {
    var (share, total) = (Share(), Places())
    for volume in entry.revision.volumes {
      let map = try repository.map(of: volume)
      total.add(try map.sum(reading: nodes, &self))
      var search = DamageSearch(attribution: self, sums: sums)
      try map.walk(reading: nodes, &search)
      share.damages.formUnion(search.found)
    }
    for id in entry.revision.attachments.flatMap(\.chunks) {
      guard let damage = damaged[id] else { continue }
      total.chunks = total.chunks.addingOrMaximum(1)
      if let damage { share.damages.insert(damage) }
    }
    (share.places, share.hasBrokenMap) = (total.chunks, total.isBroken)
    return share
  }

  /// How many places below a node have a damaged chunk.
  struct Places {
    var chunks: UInt64 = 0
    var isBroken = false

    var isSound: Bool { chunks == 0 && !isBroken }

    mutating func add(_ other: Places) {
      chunks = chunks.addingOrMaximum(other.chunks)
      isBroken = isBroken || other.isBroken
    }
  }

  /// Follows the paths to the damage. Visits each node once.
  private struct DamageSearch: MapVisitor {
    let attribution: DamageAttribution
    let sums: NodeSums<Places>
    var found: Set<Int> = []
    private var visited = NodeSums<Bool>()
    private var last: ContentID?

    init(attribution: DamageAttribution, sums: NodeSums<Places>) {
      (self.attribution, self.sums) = (attribution, sums)
    }

    mutating func shouldEnter(node id: ContentID, at position: NodePosition) throws -> Bool {
      try attribution.cancellation.check()
      last = id
      if sums[id, position.level]?.isSound == true { return false }
      guard visited[id, position.level] == nil else { return false }
      visited[id, position.level] = true
      return true
    }

    mutating func visit(chunk id: ContentID, number: ChunkNumber) { note(id) }

    mutating func visit(damaged error: MapError, at position: NodePosition) throws {
      if let last { note(last) }
    }

    private mutating func note(_ id: ContentID) {
      if let damage = attribution.damaged[id], let damage { found.insert(damage) }
    }
  }
}

extension DamageAttribution: MapFold {
  var zero: Places { Places() }

  func add(_ sum: Places, to total: inout Places) { total.add(sum) }

  mutating func knownSum(of id: ContentID, level: Int) throws -> Places? { sums[id, level] }

  mutating func note(_ sum: Places, of id: ContentID, level: Int) { sums[id, level] = sum }

  mutating func sum(ofLeaf leaf: MapNode, at position: NodePosition) throws -> Places {
    try cancellation.check()
    var places = Places()
    for id in leaf.children where damaged[id] != nil { places.chunks += 1 }
    return places
  }

  mutating func sum(
    ofDamaged id: ContentID, _ error: MapError, at position: NodePosition, isEverywhere: Bool
  ) throws -> Places {
    if let cause = error.cause as? StoreError, !cause.isDamage { throw cause }
    let broken = Places(isBroken: true)
    if isEverywhere { sums[id, position.level] = broken }
    return broken
  }
}
