import ChunkFormat
package import ChunkStore
import VolumeMap
import VolumeReader
package import Workers

/// Reads revisions back: every map node, and as many chunks as the policy demands. Each is hashed
/// and compared with its id.
///
/// ```
/// maps ──▶ chunks to read, 256 at a time ──▶ workers: read in the order of packs, hash ──▶ report, marks
/// ```
///
/// Content that several revisions share is read once. A sample is taken from all chunks of all
/// revisions. A revision that was read in full without damage becomes `verified`. A revision with
/// damage becomes `distrusted`. A sample without damage is only recorded as the last verification,
/// and only if the revision is not already `verified`. Damaged copies go to the quarantine, even if
/// another copy is intact. If the repository is read-only, nothing is recorded, and the report says
/// so.
package struct Verification: Sendable {
  private let repository: Repository
  private let entries: [RevisionEntry]
  private let policy: VerificationPolicy
  private let sources: [String: SourceComparison]
  private let finder: String
  private let context: WorkContext

  /// Prepares a verification of revisions.
  ///
  /// - Parameters:
  ///   - entries: the revisions, oldest first.
  ///   - sources: sources to compare the content with, by the name of the volume. Only for a single
  ///     entry.
  ///   - finder: recorded in the quarantine as the finder of the damage.
  package init(
    repository: Repository, entries: [RevisionEntry], policy: VerificationPolicy,
    sources: [String: SourceComparison] = [:], finder: String = "verification",
    context: WorkContext
  ) {
    self.repository = repository
    self.entries = entries
    self.policy = policy
    self.sources = sources
    self.finder = finder
    self.context = context
  }

  /// Runs the verification. Damage is reported in the result and is not an error.
  package func run() throws -> VerificationReport {
    var report = VerificationReport()
    report.comparedSources = !sources.isEmpty && policy != .none
    guard policy != .none else { return report }
    let (session, entries) = try begin()
    defer { session.end() }
    report.forgotten = self.entries.count - entries.count
    try compareHoles(of: entries, &report)
    let meter = context.begin(.verifying, total: expectedBytes(of: entries))
    var recorder = OutcomeRecorder(
      report, repository: repository, context: context, finder: finder)
    try OrderedPipeline.run(
      workers: processorCount(), window: 2 * processorCount(), name: "verify",
      cancellation: context.cancellation,
      makeWorker: { [repository] in try BatchVerifier(repository: repository) },
      produce: { sink in try collect(entries, sink) },
      transform: { try $0.process($1) },
      consume: { outcome in
        meter.advance(by: outcome.bytes)
        try recorder.add(outcome)
      })
    return try recorder.finish()
  }

  private func collect(
    _ entries: [RevisionEntry], _ sink: (VerificationWork) throws -> Void
  ) throws {
    try withoutActuallyEscaping(sink) { sink in
      var collector = ChunkCollector(
        repository: repository, expectedChunks: leastExpectedChunks(of: entries),
        cancellation: context.cancellation, sink: sink)
      for entry in entries {
        try collector.collect(entry, policy: policy, sources: sources)
      }
      try collector.finish()
    }
  }

  /// Estimates how many chunks a sample has at least, from the statistics of the largest volume.
  private func leastExpectedChunks(of entries: [RevisionEntry]) -> Double {
    let chunkSize = Double(repository.configuration.chunkSizeBytes)
    return entries.flatMap(\.revision.volumes).map { volume in
      let dataBytes = volume.statistics.dataBytes
      return Double(dataBytes) / chunkSize * policy.share(dataBytes: dataBytes)
    }.max() ?? 0
  }

  /// Compares the holes with the sources. Skips an unreadable map, which the verification reports
  /// later.
  private func compareHoles(
    of entries: [RevisionEntry], _ report: inout VerificationReport
  ) throws {
    for volume in entries.flatMap(\.revision.volumes) {
      guard let source = sources[volume.name], source.hasUnreadHoles else { continue }
      do {
        try HoleComparison(
          map: try repository.map(of: volume), nodes: NodeCache(reading: repository.nodeReader),
          source: source, policy: policy, context: context
        ).run(&report)
      } catch let error as MapError {
        if let cause = error.cause as? StoreError, !cause.isDamage { throw cause }
      }
    }
  }

  /// Pins the revisions, except those that were deleted since they were listed.
  ///
  /// - Throws: ``StoreError`` with `.notFound` if all of them were deleted.
  private func begin() throws -> (session: Session, entries: [RevisionEntry]) {
    var left = entries
    while true {
      do throws(StoreError) {
        let session = try repository.beginReading(
          "verification", pinned: left.map(\.id), context: context)
        return (session, left)
      } catch {
        guard error.code == .notFound else { throw error }
        let count = left.count
        left = try left.filter { try repository.exists($0.id) }
        guard 1..<count ~= left.count else { throw error }
      }
    }
  }

  /// Estimates the bytes to read, for the progress. Content that consecutive revisions share is
  /// read once.
  private func expectedBytes(of entries: [RevisionEntry]) -> UInt64 {
    var newest: [String: Double] = [:]
    var changed = 0.0
    for entry in entries {
      for volume in entry.revision.volumes {
        let share = policy.share(dataBytes: volume.statistics.dataBytes)
        let name = "\(entry.revision.job)/\(volume.name)"
        if newest[name] != nil, share == 1 {
          changed += Double(volume.statistics.newBytes)
        } else {
          newest[name, default: 0] += Double(volume.statistics.dataBytes) * share
        }
      }
    }
    // A revision file may contain any number.
    return UInt64(saturating: changed + newest.values.reduce(0, +))
  }
}
