package import BackupEngine
import ChunkFormat
package import ChunkStore
import VolumeMap
import VolumeReader
package import Workers

/// Copies records from another repository: those that revisions of this repository need and of
/// which it has no intact copy.
///
/// The quarantine names damaged records, and the index shows which ones are missing, so run a
/// verification first. Copied records are checked against their ids. They are durable and listed in
/// the index before they are reported. Then the affected revisions are verified. At the end the
/// repository is inspected and repaired, so that damaged packs that are no longer needed are moved
/// aside.
package struct Repair: Sendable {
  private let repository: Repository
  private let other: Repository
  private let isDryRun: Bool
  private let context: WorkContext

  /// Prepares a repair of `repository` from `other`.
  ///
  /// - Parameter other: a repository opened with
  ///   ``ChunkStore/Repository/open(at:environment:sharing:)``.
  package init(
    repository: Repository, from other: Repository, isDryRun: Bool,
    context: WorkContext
  ) {
    self.repository = repository
    self.other = other
    self.isDryRun = isDryRun
    self.context = context
  }

  /// Runs the repair. Content that cannot be recovered is reported in the result and is not an
  /// error.
  ///
  /// - Throws: ``StoreError``, also with `.invalidRequest` if the other repository has a different
  ///   chunk size. None of its chunks can be used then.
  package func run() throws -> RepairReport {
    let (size, otherSize) = (
      repository.configuration.chunkSizeBytes, other.configuration.chunkSizeBytes
    )
    guard size == otherSize else {
      throw StoreError(
        .invalidRequest,
        "cannot repair from \(other.root): its chunk size is \(otherSize) bytes, and that of this "
          + "repository \(size)")
    }
    let (listing, session) = try repository.pinningAll("repair", context: context)
    defer { session.end() }
    let reading = try other.beginReading(
      "repair of \(repository.root)", pinned: [], context: context)
    defer { reading.end() }
    if isDryRun {
      var report = try look(at: listing).report
      report.unreadableRevisions = listing.unreadable.map(\.id.description)
      return report
    }
    return try healAndVerify(listing)
  }

  /// Repairs and verifies in rounds. Content under a missing node was never checked, so the
  /// verification may find more damage.
  private func healAndVerify(_ listing: RevisionListing) throws -> RepairReport {
    var (concerned, report) = try heal(listing)
    var newlyFound = 0
    repeat {
      newlyFound = 0
      guard !concerned.isEmpty else { break }
      let verification = try verify(listing.entries.filter { concerned.contains($0.id) })
      report.verification = verification
      newlyFound = verification.quarantined
      if newlyFound > 0 {
        let next = try heal(listing)
        concerned.formUnion(next.concerned)
        report.add(next.report)
      }
    } while newlyFound > 0
    report.unreadableRevisions = listing.unreadable.map(\.id.description)
    report.released = try repository.reviewQuarantine(context: context).count
    // Damaged packs that are no longer needed would fail the next verification.
    report.inspection = try RepositoryInspection(
      repository: repository, depth: .full, mends: true, context: context
    ).run()
    return report
  }

  private func verify(_ entries: [RevisionEntry]) throws -> VerificationReport {
    try Verification(
      repository: repository, entries: entries, policy: .full,
      finder: "verification after a repair", context: context
    ).run()
  }

  private func look(
    at listing: RevisionListing
  ) throws -> (concerned: Set<RevisionID>, report: RepairReport) {
    _ = try repository.records.synchronize()
    return try walk(listing, RecordHealer(repository: repository, other: other, writer: nil))
  }

  private func heal(
    _ listing: RevisionListing
  ) throws -> (concerned: Set<RevisionID>, report: RepairReport) {
    let writing = try repository.beginWriting("repair", pinned: [], context: context)
    defer { writing.end() }
    let outcome = try walk(
      listing, RecordHealer(repository: repository, other: other, writer: writing.writer))
    try writing.writer.flush()
    return outcome
  }

  private func walk(
    _ listing: RevisionListing, _ healer: RecordHealer
  ) throws -> (concerned: Set<RevisionID>, report: RepairReport) {
    var healing = HealingWalk(healer: healer, cancellation: context.cancellation)
    var concerned: Set<RevisionID> = []
    let meter = context.begin(.repairing, total: UInt64(listing.entries.count))
    for entry in listing.entries {
      let before = healing.walk.amissCount
      try healing.visit(entry, in: repository, reading: healer)
      if healing.walk.amissCount > before { concerned.insert(entry.id) }
      meter.advance(by: 1)
    }
    let report = RepairReport(
      isDryRun: isDryRun, healedRecords: healer.healedRecords, healedBytes: healer.healedBytes,
      healedElsewhere: healer.healedElsewhere, losses: healing.walk.losses,
      revisions: concerned.map(\.description).sorted())
    return (concerned, report)
  }
}

/// The result of a repair.
package struct RepairReport: Sendable {
  package let isDryRun: Bool
  /// The number of chunks and nodes that the other repository had. They were stored unless this is
  /// a dry run.
  package private(set) var healedRecords: Int
  /// The size of their content in bytes.
  package private(set) var healedBytes: UInt64
  /// Damaged copies whose record is intact in another pack of this repository. They need no repair.
  package let healedElsewhere: Int
  /// Ranges of which neither repository has an intact copy.
  package private(set) var losses: LossList
  /// The ids of revisions with missing or damaged content.
  package private(set) var revisions: [String]
  /// The ids of revisions that cannot be read.
  package internal(set) var unreadableRevisions: [String] = []
  /// The verification of the affected revisions. Nil if there were none, and in a dry run.
  package internal(set) var verification: VerificationReport?
  /// The final inspection of the repository, which also moves aside damaged packs that are no
  /// longer needed. Nil in a dry run.
  package internal(set) var inspection: InspectionReport?
  /// The number of copies that were removed from the quarantine.
  package internal(set) var released = 0

  /// Adds the result of another round.
  mutating func add(_ round: RepairReport) {
    healedRecords += round.healedRecords
    healedBytes += round.healedBytes
    losses = round.losses
    revisions = Set(revisions + round.revisions).sorted()
  }

  /// Whether the repository has everything that revisions need, or would have it.
  package var isComplete: Bool {
    losses.isEmpty && unreadableRevisions.isEmpty && verification?.isClean ?? true
      && inspection?.isClean ?? true
  }
}
