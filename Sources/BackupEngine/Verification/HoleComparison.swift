import ChunkFormat
import ChunkStore
import VolumeMap
import Workers

/// Reads the source where the revision has holes. If a file system reports data as a hole, the
/// backup omits the data, and nothing in the store shows the error.
struct HoleComparison {
  /// The longest piece of a hole that is read at once; usually several chunks.
  private static let pieceBytes: UInt64 = 4 << 20

  let map: MapRoot
  let nodes: any NodeReading
  let source: SourceComparison
  let policy: VerificationPolicy
  let context: WorkContext

  func run(_ report: inout VerificationReport) throws {
    let total = try holeChunks()
    let wanted = policy.holeChunks(of: total, chunkSizeBytes: map.geometry.chunkSizeBytes)
    guard wanted > 0 else { return }
    let (bytes, overflows) = wanted.multipliedReportingOverflow(
      by: UInt64(map.geometry.chunkSizeBytes))
    let meter = context.begin(.comparing, total: overflows ? nil : bytes)
    try OrderedPipeline.run(
      workers: processorCount(), window: 4 * processorCount(), name: "holes",
      cancellation: context.cancellation, makeWorker: {},
      produce: { sink in try produce(total: total, wanted: wanted, sink) },
      transform: { _, range in (range, source.content(ofHole: range)) },
      consume: { range, content in
        report.comparedHoleBytes += UInt64(range.count)
        switch content {
        case .zeros: break
        case .changed: report.changedAtSource += 1
        case .missed(let offset): report.add(missedAt: offset)
        }
        meter.advance(by: UInt64(range.count))
      })
  }

  private func holeChunks() throws -> UInt64 {
    var count: UInt64 = 0
    try forEachHole { count += UInt64($0.count) }
    return count
  }

  /// Calls `body` with every run of chunks that are holes.
  private func forEachHole(_ body: (Range<ChunkNumber>) throws -> Void) throws {
    var runs = try MapRuns(of: 0..<map.geometry.endChunk, in: map, reading: nodes)
    var chunk: ChunkNumber = 0
    while let run = try runs.next() {
      switch run {
      case .hole(let count):
        try body(chunk..<chunk + count)
        chunk += count
      case .chunk: chunk += 1
      }
    }
  }

  private func produce(
    total: UInt64, wanted: UInt64, _ sink: (Range<UInt64>) throws -> Void
  ) throws {
    var sample = HoleSample(total: total, wanted: wanted)
    var passed: UInt64 = 0
    try forEachHole { hole in
      if wanted == total {
        try cut(hole, sink)
      } else {
        while let number = sample.next(before: passed + UInt64(hole.count)) {
          let chunk = hole.lowerBound + (number - passed)
          try cut(chunk..<chunk + 1, sink)
        }
      }
      passed += UInt64(hole.count)
    }
  }

  private func cut(_ chunks: Range<ChunkNumber>, _ sink: (Range<UInt64>) throws -> Void) throws {
    let bytes = map.geometry.bytes(ofChunks: chunks)
    var start = bytes.lowerBound
    while start < bytes.upperBound {
      let end = min(start + Self.pieceBytes, bytes.upperBound)
      try sink(start..<end)
      start = end
    }
  }
}

/// Chooses random numbers in ascending order, and keeps only one of them in memory. Divides the
/// range into as many equal parts as numbers are needed, and chooses one number in each part. So
/// all numbers are equally likely.
struct HoleSample {
  private let total: UInt64
  private let wanted: UInt64
  private var taken: UInt64 = 0
  private var pending: UInt64?

  /// Creates a sample.
  ///
  /// - Parameters:
  ///   - total: the upper limit of the numbers, exclusive.
  ///   - wanted: how many numbers to choose, at most `total`.
  init(total: UInt64, wanted: UInt64) {
    self.total = total
    self.wanted = wanted
  }

  /// Returns the next chosen number, if it is below `limit`.
  mutating func next(before limit: UInt64) -> UInt64? {
    if pending == nil, taken < wanted {
      pending = UInt64.random(in: start(of: taken)..<start(of: taken + 1))
      taken += 1
    }
    guard let number = pending, number < limit else { return nil }
    pending = nil
    return number
  }

  /// Returns the start of a part: `total` times `part` divided by `wanted`. The product needs 128
  /// bits.
  private func start(of part: UInt64) -> UInt64 {
    let product = total.multipliedFullWidth(by: part)
    return wanted.dividingFullWidth(product).quotient
  }
}
