import ChunkFormat
import ChunkStore
import Synchronization
import VolumeMap
import VolumeReader
import Workers

/// Reads back one volume of a revision.
///
/// ```
/// map ──▶ chunks to read, 256 at a time ──▶ workers: read in the order of packs, hash ──▶ report
/// ```
struct VolumeVerification {
  private static let batchChunks = 256

  let repository: Repository
  let entry: RevisionEntry
  let volume: RevisionVolume
  /// Of the chunks to read, 0 to 1.
  let share: Double
  let source: SourceComparison?
  let progress: WorkProgress
  let cancellation: CancellationFlag
  /// Damaged copies of map nodes that nobody has asked about yet.
  let nodeNotes = DamageNotes()

  struct Chunk: Sendable {
    let number: UInt64
    let id: ContentID
  }

  /// Chunks to read, or damage that the map's walk met.
  enum Work: Sendable {
    case chunks([Chunk], passedOver: Int)
    case damage(MapError, [DamagedCopy])
  }

  struct Outcome: Sendable {
    var checked = 0
    var total = 0
    var bytes = 0
    var changedAtSource = 0
    var failures: [(chunk: Chunk, error: StoreError)] = []
    var mapDamage: MapError?
    /// Copies that are damaged, also of what could be read from another one.
    var damagedCopies: [DamagedCopy] = []
  }

  /// - Parameter quarantine: where damaged copies are noted.
  func run(
    _ done: inout VerifiedContent, _ report: inout VerificationReport,
    _ quarantine: QuarantineRecorder
  ) throws {
    let map = try repository.map(of: volume)
    let damagesBefore = report.damageCount
    if share == 1, let known = done.maps[seriesName] {
      try verify(&done, &report, quarantine) { sink in try differences(known, map, sink) }
      try reportShared(map, &done, &report)
    } else {
      try verify(&done, &report, quarantine) { sink in try everything(map, sink) }
    }
    // Of nodes that could be read from another copy.
    try quarantine.add(nodeNotes.take())
    // A map with damage cannot serve as what the next one is compared with.
    done.maps[seriesName] =
      share == 1 && report.damageCount == damagesBefore ? map : nil
  }

  private var seriesName: String { "\(entry.revision.job)/\(volume.name)" }

  private var nodes: NodeCache {
    NodeCache(reading: VerifyingNodes(repository: repository, notes: nodeNotes))
  }

  private func verify(
    _ done: inout VerifiedContent, _ report: inout VerificationReport,
    _ quarantine: QuarantineRecorder,
    produce: @escaping @Sendable ((Work) throws -> Void) throws -> Void
  ) throws {
    let geometry = try repository.map(of: volume).geometry
    try OrderedPipeline.run(
      workers: processorCount(), window: 2 * processorCount(), name: "verify",
      cancellation: cancellation,
      makeWorker: {
        try BatchVerifier(of: self, geometry: geometry)
      },
      produce: produce,
      transform: { try $0.process($1) },
      consume: { outcome in
        report.checkedChunks += UInt64(outcome.checked)
        report.totalChunks += UInt64(outcome.total)
        report.checkedBytes += UInt64(outcome.bytes)
        report.changedAtSource += UInt64(outcome.changedAtSource)
        try quarantine.add(outcome.damagedCopies)
        progress.advance(by: UInt64(outcome.bytes))
        for (chunk, error) in outcome.failures.sorted(by: { $0.chunk.number < $1.chunk.number }) {
          done.damaged[chunk.id] = error
          report.add(damage(at: geometry.bytes(ofChunk: chunk.number), error, error.pack))
        }
        if let error = outcome.mapDamage {
          report.add(damage(at: error.bytes ?? 0..<volume.sizeBytes, error, nil))
        }
      })
  }

  /// Every chunk of the map, or a sample of them.
  private func everything(_ map: MapRoot, _ sink: (Work) throws -> Void) throws {
    let nodes = nodes
    let sample = share == 1 ? nil : try ChunkSample(share: share, of: map, reading: nodes)
    try withoutActuallyEscaping(sink) { sink in
      var collector = ChunkCollector(
        of: self, sample: sample, batchChunks: Self.batchChunks, sink: sink)
      try map.walk(reading: nodes, &collector)
      try collector.flush()
    }
  }

  /// The chunks of `map` that are not at the same place in `known`.
  private func differences(
    _ known: MapRoot, _ map: MapRoot, _ sink: (Work) throws -> Void
  ) throws {
    try withoutActuallyEscaping(sink) { sink in
      let nodes = nodes
      var collector = ChunkCollector(
        of: self, sample: nil, batchChunks: Self.batchChunks, sink: sink)
      if try !collectDifferences(from: known, to: map, nodes, &collector) {
        try map.walk(reading: nodes, &collector)
      }
      try collector.flush()
    }
  }

  /// - Returns: false where damage hides where the maps differ.
  private func collectDifferences(
    from known: MapRoot, to map: MapRoot, _ nodes: NodeCache, _ collector: inout ChunkCollector
  ) throws -> Bool {
    do {
      var difference = try MapDifference(from: known, to: map, reading: nodes)
      var cursor = MapCursor(map, reading: nodes)
      while let run = try difference.next() {
        for number in run.chunks where number < map.geometry.chunkCount {
          let id = try cursor.span(containing: number)[number]
          if !id.isHole { try collector.visit(chunk: id, number: number) }
        }
      }
      return true
    } catch let error as MapError {
      if let cause = error.cause as? StoreError, !cause.isDamage { throw cause }
      return false
    }
  }

  /// The report of a node that cannot be used, with the copies of it that are damaged.
  ///
  /// - Throws: what kept anybody from looking.
  func nodeDamage(_ error: MapError) throws -> Work {
    if let cause = error.cause as? StoreError, !cause.isDamage { throw cause }
    return .damage(error, nodeNotes.take(at: place(error.bytes ?? 0..<volume.sizeBytes)))
  }

  /// What the bytes of the volume are called in reports.
  func place(_ bytes: Range<UInt64>) -> ContentPlace {
    ContentPlace(
      revision: entry.id, job: entry.revision.job, volume: volume.name,
      offsetBytes: bytes.lowerBound, lengthBytes: UInt64(bytes.count))
  }

  /// Reports the chunks that were found damaged in an earlier revision and belong to this one too.
  private func reportShared(
    _ map: MapRoot, _ done: inout VerifiedContent, _ report: inout VerificationReport
  ) throws {
    guard !done.damaged.isEmpty else { return }
    var search = DamageSearch(damaged: done.damaged)
    try map.walk(reading: nodes, &search)
    for (number, error) in search.found {
      report.add(damage(at: map.geometry.bytes(ofChunk: number), error, error.pack))
    }
  }

  private func damage(
    at bytes: Range<UInt64>, _ error: any Error, _ pack: PackID?
  ) -> VerificationReport.Damage {
    VerificationReport.Damage(
      job: entry.revision.job, revision: entry.id, name: volume.name,
      offsetBytes: bytes.lowerBound, lengthBytes: UInt64(bytes.count),
      pack: pack?.description, message: "\(error)")
  }
}
