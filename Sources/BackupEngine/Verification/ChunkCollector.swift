import ChunkFormat
import ChunkStore
import VolumeMap
import VolumeReader
import Workers

/// Walks the maps of revisions, each node once, and collects the chunks to read. A chunk is
/// collected only once, even if several revisions or places use it. Serves one thread.
struct ChunkCollector {
  private static let batchChunks = 256
  /// The greatest number of revisions that wait until a batch of chunks is full.
  private static let batchRevisions = 256
  /// The greatest number of short chunks to remember: one for each volume that does not end with a
  /// whole chunk.
  private static let rememberedShortChunks = 1 << 16

  private let repository: Repository
  private let cancellation: CancellationFlag
  private let notes = DamageNotes()
  private let nodes: NodeCache
  private let sink: (VerificationWork) throws -> Void

  private var sample: RunningSample
  /// For each chunk found so far, whether it will be read.
  private let met: MetChunks
  private var metShort: [ShortChunk: Bool] = [:]
  private var sums = NodeSums<ChunkTally>()
  private var work = VerificationWork()
  private var hasChosen = false
  /// One of the omitted chunks. It is read if no other chunk is.
  private var substitute: VerifiedChunk?
  private var passedOver: UInt64 = 0
  private var volume: VerifiedVolume?

  /// A short chunk: the last chunk of a volume, with the remaining length of the volume, or a chunk
  /// of an attachment, of any length.
  private struct ShortChunk: Hashable {
    let id: ContentID
    let lengthBytes: Int
  }

  /// Creates a collector that passes its batches to `sink`.
  ///
  /// - Parameter expectedChunks: the approximate number of chunks in a sample, see
  ///   ``RunningSample``.
  init(
    repository: Repository, expectedChunks: Double, cancellation: CancellationFlag,
    sink: @escaping (VerificationWork) throws -> Void
  ) {
    self.repository = repository
    self.cancellation = cancellation
    self.sink = sink
    sample = RunningSample(expected: expectedChunks)
    met = MetChunks(of: repository.records)
    nodes = NodeCache(reading: VerifyingNodes(repository: repository, notes: notes))
  }

  /// Walks a revision.
  ///
  /// - Parameter sources: the sources to compare the content with, by the name of the volume.
  mutating func collect(
    _ entry: RevisionEntry, policy: VerificationPolicy, sources: [String: SourceComparison]
  ) throws {
    var (tally, readsAll) = (ChunkTally(), true)
    for described in entry.revision.volumes {
      let map = try repository.map(of: described)
      let share = policy.share(dataBytes: described.statistics.dataBytes)
      readsAll = readsAll && share == 1
      volume = VerifiedVolume(
        entry: entry, name: described.name, sizeBytes: described.sizeBytes, geometry: map.geometry,
        chunkSizeBytes: map.geometry.chunkSizeBytes, share: share,
        source: sources[described.name])
      tally.add(try map.sum(reading: nodes, &self))
      noteDamagedNodes(volume?.place(0..<described.sizeBytes))
    }
    for attachment in entry.revision.attachments { try collect(attachment, of: entry, &tally) }
    work.walked.append(WalkedRevision(entry: entry, tally: tally, readsAll: readsAll))
    if work.walked.count >= Self.batchRevisions || work.chunks.count >= Self.batchChunks {
      try flush()
    }
  }

  /// Passes on the rest. Call this once, at the end.
  mutating func finish() throws {
    if !hasChosen, let substitute {
      work.chunks.append(substitute)
      work.passedOver -= min(1, work.passedOver)
    }
    try flush()
  }

  private mutating func flush() throws {
    guard !work.isEmpty else { return }
    try cancellation.check()
    let full = work
    work = VerificationWork()
    try sink(full)
  }

  /// Collects an attachment. Attachments are small, so they are always read.
  private mutating func collect(
    _ attachment: Attachment, of entry: RevisionEntry, _ tally: inout ChunkTally
  ) throws {
    let place = VerifiedVolume(
      entry: entry, name: attachment.name, sizeBytes: attachment.sizeBytes, geometry: nil,
      chunkSizeBytes: repository.configuration.chunkSizeBytes, share: 1, source: nil)
    for (number, id) in attachment.chunks.enumerated() {
      tally.add(isChosen: true)
      let key = ShortChunk(id: id, lengthBytes: -1)
      guard metShort[key] == nil, met[id] != true else { continue }
      if metShort.count < Self.rememberedShortChunks { metShort[key] = true }
      try take(VerifiedChunk(volume: place, number: ChunkNumber(UInt64(number)), id: id))
    }
  }

  private mutating func take(_ chunk: VerifiedChunk) throws {
    hasChosen = true
    work.chunks.append(chunk)
    if work.chunks.count >= Self.batchChunks { try flush() }
  }

  private mutating func passOver(_ chunk: VerifiedChunk) {
    work.passedOver += 1
    passedOver = passedOver.addingOrMaximum(1)
    if !hasChosen, UInt64.random(in: 0..<passedOver) == 0 { substitute = chunk }
  }

  private mutating func noteDamagedNodes(_ place: ContentPlace?) {
    work.damagedNodes += notes.take(at: place)
  }
}

extension ChunkCollector: MapFold {
  var zero: ChunkTally { ChunkTally() }

  func add(_ sum: ChunkTally, to total: inout ChunkTally) { total.add(sum) }

  mutating func knownSum(of id: ContentID, level: Int) throws -> ChunkTally? {
    // If there is a source, every place is compared with it.
    volume?.source == nil ? sums[id, level] : nil
  }

  mutating func note(_ sum: ChunkTally, of id: ContentID, level: Int) {
    if volume?.source == nil { sums[id, level] = sum }
  }

  mutating func sum(ofLeaf leaf: MapNode, at position: NodePosition) throws -> ChunkTally {
    guard let volume else { return zero }
    try cancellation.check()
    let places = leaf.children.enumerated().lazy.filter { !$0.element.isHole }.map {
      VerifiedChunk(
        volume: volume, number: position.firstChunk + UInt64($0.offset), id: $0.element)
    }
    var new: [VerifiedChunk] = []
    for chunk in places where try isNew(chunk) { new.append(chunk) }
    let choice = sample.choose(from: new.count, share: volume.share)
    var tally = ChunkTally()
    for (chunk, isChosen) in zip(new, choice) {
      if volume.source != nil { tally.add(isChosen: isChosen) } else { try note(chunk, isChosen) }
      if isChosen { try take(chunk) } else { passOver(chunk) }
    }
    if volume.source == nil {
      for chunk in places { tally.add(isChosen: isChosen(chunk) ?? (volume.share == 1)) }
    }
    return tally
  }

  mutating func sum(
    ofDamaged id: ContentID, _ error: MapError, at position: NodePosition, isEverywhere: Bool
  ) throws -> ChunkTally {
    guard let volume else { return .broken }
    if let cause = error.cause as? StoreError, !cause.isDamage { throw cause }
    if error.cause is WorkersError { throw error }
    work.mapDamages.append(VerificationWork.MapDamage(volume: volume, id: id, error: error))
    noteDamagedNodes(volume.place(error.bytes ?? 0..<volume.sizeBytes))
    if isEverywhere { sums[id, position.level] = .broken }
    return .broken
  }

  /// Returns the key of a short chunk. Nil for a whole chunk.
  private func short(_ chunk: VerifiedChunk) -> ShortChunk? {
    let length = chunk.bytes.count
    return length < chunk.volume.chunkSizeBytes
      ? ShortChunk(id: chunk.id, lengthBytes: length) : nil
  }

  private func isChosen(_ chunk: VerifiedChunk) -> Bool? {
    short(chunk).map { metShort[$0] } ?? met[chunk.id]
  }

  /// Whether the chunk has not been found before. If there is a source, every chunk counts as new.
  private mutating func isNew(_ chunk: VerifiedChunk) throws -> Bool {
    if chunk.volume.source != nil { return true }
    guard isChosen(chunk) == nil else { return false }
    try note(chunk, false)
    return true
  }

  private mutating func note(_ chunk: VerifiedChunk, _ isChosen: Bool) throws {
    guard let short = short(chunk) else { return try met.note(chunk.id, isChosen) }
    if metShort.count < Self.rememberedShortChunks { metShort[short] = isChosen }
  }
}

/// Chooses a share of items that arrive in groups, without knowing their total number. Within a
/// group, all items are equally likely (Knuth, "The Art of Computer Programming", 3.4.2, algorithm
/// S). The total number of chosen items is the share of all items, rounded up or down.
struct RunningSample {
  /// How many items are still to be chosen. Starts with a random number, so that no position is
  /// preferred.
  private var due: Double

  /// Creates a sample with nothing chosen yet.
  ///
  /// - Parameter expected: about how many items will be chosen in total. If this is less than one,
  ///   one item is chosen anyway.
  init(expected: Double) {
    due = 1 - Double.random(in: 0..<1) * min(1, max(expected, .leastNormalMagnitude))
  }

  /// Decides which of the next `count` items are chosen, in order.
  ///
  /// - Parameter share: above 0. With 1 or more, all items are chosen.
  mutating func choose(from count: Int, share: Double) -> [Bool] {
    guard share < 1 else { return Array(repeating: true, count: count) }
    due += Double(count) * share
    var wanted = max(0, min(count, Int(due)))
    due -= Double(wanted)
    return (0..<count).map { number in
      let takes = Int.random(in: 0..<count - number) < wanted
      wanted -= takes ? 1 : 0
      return takes
    }
  }
}
