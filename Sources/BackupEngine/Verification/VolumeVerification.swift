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

  struct Chunk: Sendable {
    let number: UInt64
    let id: ContentID
  }

  /// Chunks to read, or damage that the map's walk met.
  enum Work: Sendable {
    case chunks([Chunk], passedOver: Int)
    case damage(MapError)
  }

  struct Outcome: Sendable {
    var checked = 0
    var total = 0
    var bytes = 0
    var changedAtSource = 0
    var failures: [(chunk: Chunk, error: StoreError)] = []
    var mapDamage: MapError?
  }

  func run(_ done: inout VerifiedContent, _ report: inout VerificationReport) throws {
    let map = try repository.map(of: volume)
    let damagesBefore = report.damages.count
    if share == 1, let known = done.maps[seriesName] {
      try verify(report: &report, done: &done) { sink in try differences(known, map, sink) }
      try reportShared(map, &done, &report)
    } else {
      try verify(report: &report, done: &done) { sink in try everything(map, sink) }
    }
    // A map with damage cannot serve as what the next one is compared with.
    done.maps[seriesName] =
      share == 1 && report.damages.count == damagesBefore ? map : nil
  }

  private var seriesName: String { "\(entry.revision.job)/\(volume.name)" }

  private var nodes: NodeCache {
    NodeCache(reading: VerifyingNodes(repository: repository))
  }

  private func verify(
    report: inout VerificationReport, done: inout VerifiedContent,
    produce: @escaping @Sendable ((Work) throws -> Void) throws -> Void
  ) throws {
    let geometry = try repository.map(of: volume).geometry
    try OrderedPipeline.run(
      workers: processorCount(), window: 2 * processorCount(), name: "verify",
      cancellation: cancellation,
      makeWorker: { try BatchVerifier(repository: repository, geometry: geometry, source: source) },
      produce: produce,
      transform: { try $0.process($1) },
      consume: { outcome in
        report.checkedChunks += UInt64(outcome.checked)
        report.totalChunks += UInt64(outcome.total)
        report.checkedBytes += UInt64(outcome.bytes)
        report.changedAtSource += UInt64(outcome.changedAtSource)
        progress.advance(by: UInt64(outcome.bytes))
        for (chunk, error) in outcome.failures {
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
    let sample = share == 1 ? nil : try Sample(share: share, of: map, reading: nodes)
    try withoutActuallyEscaping(sink) { sink in
      var collector = Collector(sample: sample, batchChunks: Self.batchChunks, sink: sink)
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
      var collector = Collector(sample: nil, batchChunks: Self.batchChunks, sink: sink)
      var difference = try MapDifference(from: known, to: map, reading: nodes)
      var cursor = MapCursor(map, reading: nodes)
      do {
        while let run = try difference.next() {
          for number in run.chunks where number < map.geometry.chunkCount {
            let id = try cursor.span(containing: number)[number]
            if !id.isHole { try collector.visit(chunk: id, number: number) }
          }
        }
      } catch let error as MapError {
        try sink(.damage(error))
      }
      try collector.flush()
    }
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
      job: entry.revision.job, revision: entry.id.description, name: volume.name,
      offsetBytes: bytes.lowerBound, lengthBytes: UInt64(bytes.count),
      pack: pack?.description, message: "\(error)")
  }
}

/// Gathers chunks into batches, passing over those that a sample leaves out.
private struct Collector: MapVisitor {
  private let batchChunks: Int
  private let sink: (VolumeVerification.Work) throws -> Void
  /// Nil to pass over nothing.
  private var sample: Sample?
  private var batch: [VolumeVerification.Chunk] = []
  private var passedOver = 0

  init(
    sample: Sample?, batchChunks: Int, sink: @escaping (VolumeVerification.Work) throws -> Void
  ) {
    self.sample = sample
    self.batchChunks = batchChunks
    self.sink = sink
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { true }

  mutating func visit(chunk id: ContentID, number: UInt64) throws {
    guard sample?.takesNext() ?? true else {
      passedOver += 1
      return
    }
    batch.append(VolumeVerification.Chunk(number: number, id: id))
    if batch.count == batchChunks { try flush() }
  }

  mutating func visit(damaged error: MapError, at position: NodePosition) throws {
    try sink(.damage(error))
  }

  mutating func flush() throws {
    guard !batch.isEmpty || passedOver > 0 else { return }
    try sink(.chunks(batch, passedOver: passedOver))
    (batch, passedOver) = ([], 0)
  }
}

/// Chooses so many of a volume's chunks at random, each as likely as any other, while they pass by
/// (Knuth, "The Art of Computer Programming", 3.4.2, algorithm S).
private struct Sample: MapVisitor {
  private var remaining = 0
  private var wanted = 0

  /// - Parameter share: of the chunks, above 0 and below 1; rounded up to a whole number of them.
  init(share: Double, of map: MapRoot, reading nodes: any NodeReading) throws {
    try map.walk(reading: nodes, &self)
    wanted = Int((Double(remaining) * share).rounded(.up))
  }

  mutating func takesNext() -> Bool {
    // Damage that came up since the chunks were counted can bring more of them than expected.
    guard remaining > 0 else { return true }
    let takes = Int.random(in: 0..<remaining) < wanted
    remaining -= 1
    wanted -= takes ? 1 : 0
    return takes
  }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { true }

  mutating func visit(chunk id: ContentID, number: UInt64) { remaining += 1 }

  /// The walk that collects reports it.
  mutating func visit(damaged error: MapError, at position: NodePosition) {}
}

/// Looks for chunks that are known to be damaged.
private struct DamageSearch: MapVisitor {
  let damaged: [ContentID: StoreError]
  var found: [(number: UInt64, error: StoreError)] = []

  init(damaged: [ContentID: StoreError]) { self.damaged = damaged }

  mutating func shouldEnter(node id: ContentID, at position: NodePosition) -> Bool { true }

  mutating func visit(chunk id: ContentID, number: UInt64) {
    if let error = damaged[id], found.count < VerificationReport.listedDamages {
      found.append((number, error))
    }
  }

  /// The reading of the differences has reported it.
  mutating func visit(damaged error: MapError, at position: NodePosition) {}
}

/// Reads batches of chunks back. One verifier serves one thread.
private struct BatchVerifier {
  let repository: Repository
  let geometry: MapGeometry
  let source: SourceComparison?
  let checker: ContentChecker

  init(repository: Repository, geometry: MapGeometry, source: SourceComparison?) throws {
    self.repository = repository
    self.geometry = geometry
    self.source = source
    checker = try ContentChecker(repository: repository)
  }

  func process(_ work: VolumeVerification.Work) throws -> VolumeVerification.Outcome {
    var outcome = VolumeVerification.Outcome()
    switch work {
    case .damage(let error):
      outcome.mapDamage = error
    case .chunks(let chunks, let passedOver):
      outcome.total = chunks.count + passedOver
      for chunk in try inOrderOfPacks(chunks) {
        try process(chunk, &outcome)
      }
    }
    return outcome
  }

  private func process(
    _ chunk: VolumeVerification.Chunk, _ outcome: inout VolumeVerification.Outcome
  ) throws {
    do throws(StoreError) {
      let content = try checker.check(
        chunk.id, type: .chunk, plainBytes: geometry.plainLengthBytes(ofChunk: chunk.number))
      outcome.checked += 1
      outcome.bytes += content.count
      if let source, !source.holds(content, at: geometry.offsetBytes(ofChunk: chunk.number)) {
        outcome.changedAtSource += 1
      }
    } catch {
      outcome.failures.append((chunk, error))
    }
  }

  private func inOrderOfPacks(
    _ chunks: [VolumeVerification.Chunk]
  ) throws -> [VolumeVerification.Chunk] {
    let locations = try repository.records.locate(chunks.map(\.id))
    let places = zip(chunks, locations).map { chunk, location in
      (chunk: chunk, pack: location?.pack.id, offset: location?.entry.offsetBytes ?? 0)
    }
    return places.sorted { left, right in
      switch (left.pack, right.pack) {
      case (let left?, let right?) where left != right: left < right
      case (nil, .some): true
      case (.some, nil): false
      default: left.offset < right.offset
      }
    }.map(\.chunk)
  }
}
