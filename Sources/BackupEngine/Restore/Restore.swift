package import ChunkStore
package import ChunkFormat
import Remedies
import VolumeMap
import VolumeReader
package import VolumeTargets
package import Workers

/// Writes one volume of a revision to a target.
///
/// ```
/// SequentialReader ──▶ content in order ──▶ target ──▶ read back, on request
/// ```
package struct Restore: Sendable {
  /// Cancellation is checked after each 1 GiB of zeros, because a hole may be as large as the
  /// volume.
  private static let zeroingStepBytes: UInt64 = 1 << 30

  private let repository: Repository
  private let entry: RevisionEntry
  private let volume: RevisionVolume
  private let target: any RestoreTarget
  private let options: RestoreOptions
  private let context: WorkContext

  package init(
    repository: Repository, entry: RevisionEntry, volume: RevisionVolume,
    target: any RestoreTarget, options: RestoreOptions, context: WorkContext
  ) {
    self.repository = repository
    self.entry = entry
    self.volume = volume
    self.target = target
    self.options = options
    self.context = context
  }

  /// Runs the restore.
  ///
  /// - Throws: ``EngineError`` with `.damaged` at the first damage, if there is no fill pattern;
  ///   with `.notIdentical` if the target does not read back as written; with `.invalidRequest` if
  ///   the target must be verified but cannot be read back. Errors of the target. In all these
  ///   cases, a file that the restore created is removed.
  package func run() throws -> RestoreReport {
    if options.verifies, !target.canBeReadBack {
      throw EngineError(
        .invalidRequest, "\(target.name) cannot be read back, so it cannot be verified")
    }
    let map = try repository.map(of: volume)
    let session = try repository.beginReading(
      "restore of \(name)", pinned: [entry.id], context: context)
    defer { session.end() }
    var report = RestoreReport()
    report.sizeBytes = volume.sizeBytes
    try target.prepare(sizeBytes: volume.sizeBytes)
    do {
      let meter = context.begin(.restoring, total: volume.sizeBytes)
      try write(map, meter, &report)
      try settleZeros()
      try target.finish()
      if options.verifies {
        try verify(map, &report)
      }
    } catch {
      target.abandon()
      throw error
    }
    return report
  }

  private var name: String { "\(entry.revision.job)@\(entry.id)/\(volume.name)" }

  private func write(
    _ map: MapRoot, _ meter: WorkMeter, _ report: inout RestoreReport
  ) throws {
    let reader = SequentialReader(
      name: name, map: map, nodes: NodeCache(reading: repository.nodeReader),
      source: StoreRecords(repository.records))
    try reader.read(cancellation: context.cancellation) { content in
      switch content {
      case .hole(let range): try zero(range, meter)
      case .data(let range, let bytes, _):
        try target.write(bytes, at: range.lowerBound)
        report.dataBytes += UInt64(bytes.count)
        meter.advance(to: range.upperBound)
      case .damaged(let error):
        try fill(error, &report)
        meter.advance(to: error.range.upperBound)
      }
    }
  }

  private func zero(_ range: Range<UInt64>, _ meter: WorkMeter) throws {
    var offset = range.lowerBound
    while offset < range.upperBound {
      try context.cancellation.check()
      // Each step ends at a multiple of the step size. So the steps suit every alignment of the
      // target.
      let step = Self.zeroingStepBytes - offset % Self.zeroingStepBytes
      let count = min(step, range.upperBound - offset)
      try target.writeZeros(at: offset, lengthBytes: count)
      offset += count
      meter.advance(to: offset)
    }
  }

  /// Settles the zeros of a target that cannot write zeros without using space. The target reads
  /// these ranges and overwrites only the parts that are not zero.
  private func settleZeros() throws {
    let total = target.unsettledZeroBytes
    guard total > 0 else { return }
    let meter = context.begin(.zeroing, total: total)
    while true {
      try context.cancellation.check()
      let done = try target.settleZeros(limitBytes: Self.zeroingStepBytes)
      if done == 0 { return }
      meter.advance(by: done)
    }
  }

  private func fill(_ error: VolumeReadError, _ report: inout RestoreReport) throws {
    // If the error names no pack, the index or the machine may be faulty, and the content may be
    // intact.
    guard error.code != .unreadable || error.pack != nil else { throw error }
    guard let pattern = options.fillPattern else {
      throw EngineError(
        .damaged, "\(error); nothing more was restored", cause: error, remedy: .repairOrFillGaps)
    }
    report.gaps.append(
      RestoreReport.Gap(
        offsetBytes: error.range.lowerBound, lengthBytes: UInt64(error.range.count),
        pack: error.pack?.description, message: error.message))
    let stretch = 1 << 20
    var offset = error.range.lowerBound
    while offset < error.range.upperBound {
      let count = min(UInt64(stretch), error.range.upperBound - offset)
      let start = Int(offset - error.range.lowerBound)
      let bytes = (start..<start + Int(count)).map { pattern[$0 % pattern.count] }
      try bytes.withUnsafeBytes { try target.write($0, at: offset) }
      offset += count
    }
  }

  private func verify(_ map: MapRoot, _ report: inout RestoreReport) throws {
    try TargetVerification(
      repository: repository, map: map, target: target,
      gaps: report.gaps.map { $0.offsetBytes..<$0.offsetBytes + $0.lengthBytes },
      meter: context.begin(.verifying, total: volume.sizeBytes),
      cancellation: context.cancellation
    ).run()
    report.isVerified = true
  }
}
