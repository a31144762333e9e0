package import BackupEngine
import ChunkFormat
package import ChunkStore
import VolumeMap
import VolumeReader
package import Workers

/// Brings back, from another repository, what revisions of this one need and it has no intact copy of.
///
/// What is damaged is known from the quarantine, what is missing from the index: so a verification
/// goes before. What is brought is checked against its id, and durable and listed before anything is
/// said; then the revisions concerned are verified. At the end the repository is inspected and mended, so
/// that damaged packs of which nothing is needed do not stay among the others.
package struct Repair: Sendable {
  private let repository: Repository
  private let other: Repository
  private let isDryRun: Bool
  private let environment: RepositoryEnvironment
  private let progress: WorkProgress
  private let cancellation: CancellationFlag

  /// - Parameter other: opened with ``ChunkStore/Repository/open(at:environment:sharing:)``.
  package init(
    repository: Repository, from other: Repository, isDryRun: Bool,
    environment: RepositoryEnvironment, progress: WorkProgress, cancellation: CancellationFlag
  ) {
    self.repository = repository
    self.other = other
    self.isDryRun = isDryRun
    self.environment = environment
    self.progress = progress
    self.cancellation = cancellation
  }

  /// Runs the repair. What cannot be brought back is in the report, not an error.
  ///
  /// - Throws: ``StoreError``, also `.invalidRequest` where the other repository has chunks of another
  ///   size, none of which is of use here.
  package func run() throws -> RepairReport {
    let (size, otherSize) = (
      repository.configuration.chunkSizeBytes, other.configuration.chunkSizeBytes
    )
    guard size == otherSize else {
      throw StoreError(
        .invalidRequest,
        "chunks are of \(otherSize) bytes in \(other.root), and of \(size) in this repository: it has "
          + "nothing that is needed here")
    }
    let listing = try repository.revisions()
    let reading = try other.beginReading(
      "repair of \(repository.root)", pinned: [], environment: environment)
    defer { reading.end() }
    if isDryRun {
      var report = try look(at: listing).report
      report.unreadableRevisions = listing.unreadable.map(\.id.description)
      return report
    }
    return try healAndVerify(listing)
  }

  /// Under a node that was lost, nobody has looked for damage: so the verification may find more.
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
    report.released = try repository.reviewQuarantine(cancellation: cancellation).count
    // Damaged packs of which nothing is needed any more would fail the next verification.
    report.inspection = try RepositoryInspection(
      repository: repository, depth: .full, mends: true, environment: environment,
      progress: progress, cancellation: cancellation
    ).run()
    return report
  }

  private func verify(_ entries: [RevisionEntry]) throws -> VerificationReport {
    try Verification(
      repository: repository, entries: entries, policy: .full,
      finder: "verification after a repair", environment: environment, progress: progress,
      cancellation: cancellation
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
    let writing = try repository.beginWriting(
      "repair", pinned: listing.entries.map(\.id), environment: environment)
    defer { writing.end() }
    let outcome = try walk(
      listing, RecordHealer(repository: repository, other: other, writer: writing.writer))
    try writing.writer.flush()
    return outcome
  }

  private func walk(
    _ listing: RevisionListing, _ healer: RecordHealer
  ) throws -> (concerned: Set<RevisionID>, report: RepairReport) {
    var healing = HealingWalk(healer: healer, cancellation: cancellation)
    var concerned: Set<RevisionID> = []
    progress.begin(.repairing, totalUnits: UInt64(listing.entries.count))
    for entry in listing.entries {
      let before = healing.walk.amissCount
      try healing.visit(entry, in: repository, reading: healer)
      if healing.walk.amissCount > before { concerned.insert(entry.id) }
      progress.advance(by: 1)
    }
    let report = RepairReport(
      isDryRun: isDryRun, healedRecords: healer.healedRecords, healedBytes: healer.healedBytes,
      healedElsewhere: healer.healedElsewhere, losses: healing.walk.losses,
      revisions: concerned.map(\.description).sorted())
    return (concerned, report)
  }
}

/// What a repair did.
package struct RepairReport: Sendable {
  package let isDryRun: Bool
  /// Chunks and nodes that the other repository had; stored unless it is a dry run.
  package private(set) var healedRecords: Int
  /// Their content.
  package private(set) var healedBytes: UInt64
  /// Damaged copies of what this repository has intact in another pack: nothing had to be done.
  package let healedElsewhere: Int
  /// What neither repository has.
  package private(set) var losses: LossList
  /// Ids of revisions in which something was missing.
  package private(set) var revisions: [String]
  /// Ids of revisions that cannot be read themselves.
  package internal(set) var unreadableRevisions: [String] = []
  /// Of the revisions concerned; nil where nothing was stored.
  package internal(set) var verification: VerificationReport?
  /// Of the repository afterwards: damaged packs are moved away then; nil in a dry run.
  package internal(set) var inspection: InspectionReport?
  /// Copies that left the quarantine.
  package internal(set) var released = 0

  /// Adds what a further round has done.
  mutating func add(_ round: RepairReport) {
    healedRecords += round.healedRecords
    healedBytes += round.healedBytes
    losses = round.losses
    revisions = Set(revisions + round.revisions).sorted()
  }

  /// Whether all that revisions need is there, or would be.
  package var isComplete: Bool {
    losses.isEmpty && unreadableRevisions.isEmpty && verification?.isClean ?? true
      && inspection?.isClean ?? true
  }
}
